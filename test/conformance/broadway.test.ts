import { describe, expect, it } from "vitest";
import { createDrain, type EveryDrainOption, type Message } from "../../src/index.ts";
import { pageText } from "../docs/samples.ts";
import { Broadway } from "../support/broadway.ts";
import { upstashTo } from "../support/redis.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";

/*
 * Spillway beside OffBroadway.Redis on one list, as docs/coming-from/broadway.md has it: Broadway's exact commands and
 * failures from one side, our drains over REST from the other.
 */
const list = "some_list";
const workingList = "some_list_processing";
const redis = useRedisServer();
const client = useClient(redis, upstashTo);
const { door } = redis;
const broadway = () => new Broadway(door.redis, { list, workingList });

const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `m${at}`);
const produce = (...payloads: string[]) => door.redis.lpush(list, ...payloads);

function drainInto(seen: string[], options: Partial<EveryDrainOption<never>> = {}) {
  return createDrain({
    redis: client(),
    list,
    engine: "plain",
    workingList,
    handler: ({ payload }: Message) => void seen.push(payload),
    ...options,
  } as never);
}

/** What the drain has seen in the working list, it has seen long ago. */
async function passVisibilityTimeout(): Promise<void> {
  for (const digest of await door.redis.hkeys(`{${list}}:seen`)) {
    await door.redis.hset(`{${list}}:seen`, digest, 1);
  }
}

describe("beside OffBroadway.Redis, on its list and its working list, the plain engine", () => {
  it("shares the messages: each runs once, on one side, and both leave nothing", async () => {
    const payloads = numbered(300);
    await produce(...payloads);
    const theirs: string[] = [];
    const ours: string[] = [];
    let goOn = (): void => undefined;
    const hasBegun = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const pipeline = async () => {
      theirs.push(...(await broadway().pop(10)));
      await broadway().ack(theirs);
      await hasBegun;
      for (;;) {
        const batch = await broadway().pop(10);
        if (batch.length === 0) return;
        theirs.push(...batch);
        await broadway().ack(batch);
      }
    };

    const [report] = await Promise.all([
      drainInto(ours, {
        batchSize: 10,
        handler: ({ payload }: Message) => {
          ours.push(payload);
          goOn();
        },
      } as never).run(),
      pipeline(),
    ]);

    expect([...theirs, ...ours].sort()).toEqual([...payloads].sort());
    expect(report).toMatchObject({ acked: ours.length, lostLease: 0, recovered: 0 });
    expect(await door.redis.exists(list, workingList)).toBe(0);
  });

  it.each([
    ["crashed with a batch in hand", 4, []],
    ["failed messages, which it acknowledges no more than it tries them again", 4, ["m0", "m2"]],
    ["lost the reply to its pop", 4, []],
    ["handled messages and could not say so: its acks never arrived", 4, []],
  ])("brings home, once each and in their order, what it left when it %s", async (_what, count, acked) => {
    await produce(...numbered(6));
    const popped = await broadway().pop(count);
    await broadway().ack(acked);
    const left = popped.filter((payload) => !acked.includes(payload));
    const seen: string[] = [];
    const drain = drainInto(seen, { concurrency: 1 });

    await drain.run();
    expect(seen).toEqual(["m4", "m5"]);
    expect(await door.redis.lrange(workingList, 0, -1)).toEqual([...left].reverse());
    await passVisibilityTimeout();
    expect(await drain.run()).toMatchObject({ recovered: left.length, acked: left.length });

    expect(seen).toEqual(["m4", "m5", ...left]);
    expect(await door.redis.exists(list, workingList)).toBe(0);
  });

  it("brings it home by recover alone, called twice with visibilityTimeoutMs between", async () => {
    await produce("a", "b", "c");
    await broadway().pop(2);
    const drain = drainInto([]);
    expect(await drain.recover()).toMatchObject({ recovered: 0 });
    await passVisibilityTimeout();
    expect(await drain.recover()).toMatchObject({ recovered: 2 });
    expect(await door.waiting(list)).toEqual(["a", "b", "c"]);
  });

  it("leaves alone what Broadway has in hand, for as long as visibilityTimeoutMs", async () => {
    await produce("a", "b");
    const inHand = await broadway().pop(2);
    const seen: string[] = [];
    const drain = drainInto(seen);
    for (let tick = 0; tick < 3; tick++) await drain.run();
    await drain.recover();
    expect(seen).toEqual([]);
    await broadway().ack(inHand);
    expect(await door.redis.exists(list, workingList)).toBe(0);
  });

  it("counts equal payloads: as many run as were pushed, whoever removes which", async () => {
    await produce("same", "same", "same", "same");
    const theirs = await broadway().pop(2);
    const seen: string[] = [];
    await drainInto(seen).run();
    await broadway().ack(theirs);
    expect([theirs.length, seen.length]).toEqual([2, 2]);
    expect(await door.redis.exists(list, workingList)).toBe(0);
  });

  it("keeps its own failures out of the working list, where Broadway would forget them", async () => {
    await produce("good", "bad");
    const drain = drainInto([], {
      handler: ({ payload }: Message) => {
        if (payload === "bad") throw new Error("no");
      },
    } as never);
    expect(await drain.run()).toMatchObject({ acked: 1, retried: 1 });
    expect(await door.redis.exists(list, workingList)).toBe(0);
    expect(await door.delayed(list)).toEqual(["bad"]);
  });
});

describe("the scripted engine, on the same list", () => {
  it("takes part with working lists of its own, and never touches Broadway's", async () => {
    await produce(...numbered(6));
    const inHand = await broadway().pop(2);
    const seen: string[] = [];
    await drainInto(seen, { engine: "scripted", workingList: undefined, concurrency: 1 } as never).run();
    expect(seen).toEqual(["m2", "m3", "m4", "m5"]);
    expect(await door.redis.lrange(workingList, 0, -1)).toEqual([...inHand].reverse());
  });

  it.each(["broadway", "by-hand"])(
    "gets what was left by the line of the page %s, in its order, before what waits",
    async (page) => {
      await produce("a", "b", "", "c");
      await broadway().pop(3);
      const line = /redis-cli EVAL "(.+)" 2 (\S+) (\S+)/.exec(pageText(`docs/coming-from/${page}.md`));
      const [, script = "", from = "", to = ""] = line ?? [];
      if (from !== workingList) {
        await door.redis.rename(workingList, from);
        await door.redis.rename(list, to);
      }

      await door.redis.eval(script, 2, from, to);

      const seen: string[] = [];
      const scripted = { list: to, engine: "scripted", workingList: undefined, concurrency: 1 } as never;
      await drainInto(seen, scripted).run();
      expect(seen).toEqual(["a", "b", "", "c"]);
      expect(await door.everything()).toEqual({});
    },
  );
});
