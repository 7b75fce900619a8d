import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import {
  type Continuation,
  ContinuationError,
  createDrain,
  type Drain,
  type DrainReport,
  type NextDrain,
  readHop,
  writeHop,
} from "../../src/index.ts";
import { type FaultyClient, faultyClient } from "../support/faulty-client.ts";

/** A drain whose continuation is given, with its Redis. */
function withContinuation(invoke: Continuation["invoke"]): {
  drain: Drain;
  redis: FaultyClient;
} {
  const redis = faultyClient(memory(), () => "none");
  const drain = createDrain({
    redis,
    list: "mail",
    handler: () => undefined,
    continuation: { name: "test", invoke },
  });
  return { drain, redis };
}

describe("a push to an empty list", () => {
  it("starts a drain, as the first of its chain, and none while messages wait", async () => {
    const hops: NextDrain[] = [];
    const { drain } = withContinuation(async (next) => {
      hops.push(next);
      return null;
    });
    expect(await drain.push("a")).toMatchObject({ pushed: 1, woken: true, wakeError: null });
    expect(await drain.push(["b", "c"])).toMatchObject({ pushed: 2, woken: false });
    expect(hops).toMatchObject([{ list: "mail", chain: { hop: 1 } }]);
    // What carries it would refuse any other.
    expect(readHop(writeHop(hops[0] as NextDrain))).toMatchObject({ chain: { hop: 1 } });
    await drain.run(hops[0] && { chain: hops[0].chain });
    expect(await drain.push(["d", "e"])).toMatchObject({ woken: true });
    expect(hops.length).toBe(2);
  });

  it("starts a drain though the push breaks off halfway", async () => {
    const hops: string[] = [];
    const { drain } = withContinuation(async ({ list }) => {
      hops.push(list);
      return null;
    });
    const stream = function* (): Generator<string> {
      for (let at = 0; at < 1_001; at++) yield "m";
      throw new Error("the source is gone");
    };
    await expect(drain.push(stream())).rejects.toThrow(/1000 messages/);
    expect(hops).toEqual(["mail"]);
  });

  it("starts a drain before the stream that it pushes has ended", async () => {
    let start = (): void => undefined;
    const started = new Promise<void>((resolve) => {
      start = resolve;
    });
    const { drain } = withContinuation(async () => {
      start();
      return null;
    });
    const stream = async function* (): AsyncGenerator<string> {
      for (let at = 0; at < 1_001; at++) yield "m";
      await started;
    };
    expect(await drain.push(stream())).toMatchObject({ pushed: 1_001, woken: true });
  });

  it("starts one drain for 1,000 pushes in a row, and each message is handled", async () => {
    const runs: Promise<DrainReport>[] = [];
    const { drain } = withContinuation(async ({ chain }) => {
      runs.push(drain.run({ chain }));
      return null;
    });
    let woken = 0;
    await Promise.all(
      Array.from({ length: 1_000 }, async (_, at) => {
        if ((await drain.push(`m${at}`)).woken) woken += 1;
      }),
    );
    const reports = await Promise.all(runs);
    expect(woken).toBe(1);
    expect(reports.reduce((sum, { acked }) => sum + acked, 0)).toBe(1_000);
    expect((await drain.stats()).list).toBe(0);
  });

  it.each(["scripted", "plain"] as const)(
    "starts none while one is live, which takes it: %s",
    async (engine) => {
      let pushed: unknown;
      const runs: string[] = [];
      const redis = memory();
      const drain = createDrain({
        redis,
        list: "mail",
        engine,
        handler: async ({ payload }) => {
          runs.push(payload);
          if (payload === "a") pushed = await drain.push("b");
        },
        continuation: { name: "test", invoke: async () => null },
      });
      await drain.push("a", { wake: false });
      await drain.run();
      expect(pushed).toMatchObject({ pushed: 1, length: 1, woken: false, wakeError: null });
      expect(runs).toEqual(["a", "b"]);
    },
  );

  it.each<[string, Continuation["invoke"], RegExp]>([
    ["fails", () => Promise.reject(new Error("no right to invoke")), /no right to invoke/],
    [
      "throws at once",
      () => {
        throw new TypeError("wrong");
      },
      /wrong/,
    ],
    ["declines", async () => ({ declined: "near the wall" }), /near the wall/],
    ["answers nonsense", async () => 5 as never, /neither/],
    [
      "is not known to have begun",
      () => Promise.reject(new ContinuationError("continuation-unknown", "late")),
      /late/,
    ],
  ])("has pushed, and says so, where the continuation %s", async (_what, invoke, why) => {
    const { drain } = withContinuation(invoke);
    const result = await drain.push("a");
    expect(result).toMatchObject({ pushed: 1, woken: false });
    expect(result.wakeError?.message).toMatch(why);
    expect((await drain.stats()).list).toBe(1);
  });

  it.each<[string, number, object]>([
    ["with a continuation costs one command more", 2, {}],
    ["that is not to wake costs none", 1, { wake: false }],
  ])("%s", async (_what, commands, options) => {
    const { drain, redis } = withContinuation(async () => null);
    await drain.push("a", options);
    expect(redis.sent.flat().length).toBe(commands);
    await drain.push("b", options);
    expect(redis.sent.flat().length).toBe(commands + 1);
  });

  it("starts nothing for messages that are delayed", async () => {
    const { drain } = withContinuation(() => Promise.reject(new Error("Not to be called.")));
    expect(await drain.push("a", { delayMs: 1_000 })).toMatchObject({ woken: false, wakeError: null });
  });
});
