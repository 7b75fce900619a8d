import { afterAll, describe, expect, it, vi } from "vitest";
import { type Drain, type DrainOptions, deadLetter, forward } from "../../src/index.ts";
import { useRedisServer } from "../support/redis-under-test.ts";
import { base, failing, list, onward, payloads, produce, run, type Verb } from "./refusable-verbs.ts";
import { places, restrictedUser } from "./restricted-user.ts";

/** What a refused command costs the messages and drains that it does not concern. */
const { door, server } = useRedisServer();
const { act, runs, close } = restrictedUser(door, () => server().url);
afterAll(close);

describe("a refusal beside a claim", () => {
  const chain = { continuation: { name: "none", invoke: async () => ({ declined: "no" }) } };
  const rows: [
    what: string,
    rights: string[],
    options: Partial<DrainOptions>,
    prepare?: () => Promise<unknown>,
  ][] = [
    ["the mark of a full house", ["-set"], chain],
    ["taking an ended lease away", ["-zrem"], {}, () => door.redis.zadd(`${base}:leases`, 1_000, "dead.1")],
    ["reading the brake", [], { brake: { after: 1 } }, () => door.redis.set(`${base}:brake`, "text")],
  ];

  it.each(rows)("costs no message an attempt: %s", async (_, rights, options, prepare) => {
    await door.redis.flushall();
    await produce(door);
    await prepare?.();
    const ran = await runs(5, ["~*", "+@all", ...rights], { batchSize: 5, maxAttempts: 1, ...options });
    // Were a claimed batch left alone, it would come back as crashed, and here that is the end of it.
    expect(ran.sort()).toEqual(payloads);
    expect(await door.redis.llen(`${base}:dead`)).toBe(0);
  });
});

it.each<[string, string, Verb["decide"]]>([
  ["LRANGE", "-lrange", (payload) => (payload > "m05" ? deadLetter("no") : undefined)],
  ["LLEN, with effects", "-llen", (payload) => forward(onward, payload)],
])("what has been handled is settled though %s is refused, and runs once", async (_, right, decide) => {
  await door.redis.flushall();
  await produce(door);
  const ran: string[] = [];
  const verb: Verb = {
    name: "run",
    prepare: produce,
    act: run,
    decide: (payload) => {
      ran.push(payload);
      return decide?.(payload);
    },
  };
  const { error } = await act(verb, ["~*", "+@all", right]);
  expect(error?.message).toContain("NOPERM");
  await door.expireLeases(list);
  await act(verb, ["~*", "+@all"]);
  expect(ran.sort()).toEqual(payloads);
});

it("a user who may pop and push nothing loses nothing, and in its order it runs once that is mended", async () => {
  await door.redis.flushall();
  await produce(door);
  expect(await runs(2, ["~*", "+@all", "-lpush", "-rpush"], { batchSize: 20 })).toEqual([]);
  expect([...(await places(door)).values()]).toEqual(payloads.map(() => [`${base}:delayed`]));
  expect(await runs(1, ["~*", "+@all"], { batchSize: 20 })).toEqual(payloads);
});

it("a user without the right to done-markers is refused before a handler runs", async () => {
  await door.redis.flushall();
  await produce(door);
  const ours = ["leases", "attempts", "delayed", "dead", "brake", "busy", "control", "working:*"];
  const rights = ["+@all", "~mail", ...ours.map((suffix) => `~${base}:${suffix}`)];
  expect(await runs(2, rights, {})).toEqual([]);
});

it("a push with ids that is refused has pushed nothing and remembers no id, whichever command it was", async () => {
  const dedupe = { id: (message: unknown) => String(message), ttlMs: 60_000 };
  for (const right of ["-get", "-set", "-lpush", "-del -lpush", "-evalsha", "~mail"]) {
    await door.redis.flushall();
    const rights = right.startsWith("~") ? [right, "+@all"] : ["~*", "+@all", ...right.split(" ")];
    const pushing = (drain: Drain) => failing(drain.push([...payloads, "m00"], { dedupe }));
    const { error } = await act({ name: "push", prepare: produce, act: pushing }, rights);
    expect(error?.message, right).toMatch(/NOPERM|permission/i);
    expect(await door.redis.llen(list)).toBe(0);

    await vi.waitUntil(async () => (await door.redis.dbsize()) === 0, { interval: 2 });
    await act({ name: "push", prepare: produce, act: pushing }, ["~*", "+@all"]);
    expect(await door.waiting(list)).toEqual(payloads);
  }
});
