import { describe, expect, it } from "vitest";
import { createDrain, createSpillway, type DrainOptions } from "../../src/index.ts";
import { useClients, useRedisServer } from "../support/redis-under-test.ts";

const redis = useRedisServer();
const { door } = redis;
const open = useClients(redis);

const seen: string[] = [];
const handler = ({ payload }: { payload: string }) => void seen.push(payload);
const make = (options: object = {}) =>
  createDrain({
    redis: open(),
    list: "mail",
    handler,
    concurrency: 1,
    consumeFrom: "left",
    ...options,
  } as DrainOptions);

/** Every promise is kept from the left too: test/long/from-left.test.ts runs the conformance suites so. */
describe('consumeFrom: "left"', () => {
  it.each(["scripted", "plain"])("drains what producers RPUSH first in, first out: %s", async (engine) => {
    await door.redis.rpush("mail", "a", "b", "c");
    const report = await make({ engine }).run();
    expect(report).toMatchObject({ acked: 3, stopped: "empty" });
    expect(seen.splice(0)).toEqual(["a", "b", "c"]);
  });

  it.each(["scripted", "plain"])("pushes where such producers do: %s", async (engine) => {
    const drain = make({ engine });
    await drain.push(["b", "c"]);
    await drain.push("a", { priority: "next" });
    expect(await door.redis.lrange("mail", 0, -1)).toEqual(["a", "b", "c"]);
    expect((await drain.peek({ from: "oldest" })).map(({ payload }) => payload)).toEqual(["a", "b", "c"]);
  });

  it.each(["fifo", "strict", { byKey: "key" }])("drains so in each order: %o", async (order) => {
    await door.redis.rpush("mail", ...[1, 2, 3].map((n) => `{"key":"one","n":${n}}`));
    expect(await make({ order }).run()).toMatchObject({ acked: 3, stopped: "empty" });
    expect(seen.splice(0).map((payload) => JSON.parse(payload).n)).toEqual([1, 2, 3]);
  });

  it("pushes by ids and to each shard so too", async () => {
    const drain = make({ shards: 2 });
    const dedupe = { id: String, ttlMs: 60_000 };
    const key = () => "one";
    await drain.push(["a", "b", "a"], { dedupe, key });
    const [shard = ""] = await door.redis.keys("{mail:[01]}");
    expect(await door.redis.lrange(shard, 0, -1)).toEqual(["a", "b"]);
    await drain.run();
    expect(seen.splice(0)).toEqual(["a", "b"]);
  });

  it("may be said of one list of several", async () => {
    await door.redis.rpush("resque:queue:mail", "a", "b");
    await door.redis.lpush("images", "c", "d");
    const lists = {
      "resque:queue:mail": { handler, concurrency: 1, consumeFrom: "left" as const },
      images: { handler, concurrency: 1 },
    };
    await createSpillway({ redis: open(), name: "all", lists }).run();
    const order = seen.splice(0);
    expect(order.filter((one) => "ab".includes(one))).toEqual(["a", "b"]);
    expect(order.filter((one) => "cd".includes(one))).toEqual(["c", "d"]);
  });

  it("costs no request and no command more", async () => {
    const counts = [];
    for (const consumeFrom of ["left", "right"]) {
      const drain = make({ consumeFrom });
      for (let round = 0; round < 2; round++) {
        await door.redis.rpush("mail", ...Array.from({ length: 250 }, (_, at) => `m${at}`));
        await door.resetCommandCount();
        const { requests, commands } = await drain.run();
        if (round > 0) counts.push({ requests, commands, counted: await door.commandCount() });
      }
    }
    seen.length = 0;
    expect(counts[0]).toEqual(counts[1]);
  });

  it.each([
    ["scripted", "LPOP"],
    ["plain", "LMOVE"],
  ])("names the command that the server refused, and not the one it stands for: %s", async (engine, name) => {
    await door.redis.call("ACL", "SETUSER", "tenant", "reset", "on", ">pass", "~*", "+@all", `-${name}`);
    await door.redis.rpush("mail", "a");
    const { error } = await make({ redis: open("tenant:pass@"), engine }).run();
    expect(error?.message).toContain(name);
    expect(error?.message).not.toMatch(/RPOP|RPOPLPUSH/);
    expect(await door.redis.lrange("mail", 0, -1)).toEqual(["a"]);
  });

  it("loses nothing where drains of both ends have the list, and each takes what the other left", async () => {
    await door.redis.rpush("mail", "a", "b", "c", "d");
    expect(await make().run({ maxMessages: 1 })).toMatchObject({ acked: 1 });
    expect(await make({ consumeFrom: "right" }).run({ maxMessages: 1 })).toMatchObject({ acked: 1 });
    await make().run();
    expect(seen.splice(0)).toEqual(["a", "d", "b", "c"]);
    expect(await door.everything()).toEqual({});
  });

  it.each(["top", "LEFT", 1e21, null, Number.NaN, {}, ["left"]])("refuses another end: %o", (consumeFrom) => {
    expect(() => make({ consumeFrom })).toThrow(/"consumeFrom" must be/);
  });
});
