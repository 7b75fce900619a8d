import { describe, expect, it } from "vitest";
import { createSpillway, type Handler, type NextDrain, type SpillwayOptions } from "../../src/index.ts";
import type { Suite } from "./setup.ts";

/** Several lists in one deployment, over one client. */
export const listsSuite: Suite = ({ engine, client, door, faulty }) => {
  describe("several lists", () => {
    const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `list${at}`);
    const make = (lists: Record<string, Handler<unknown>>, more: Partial<SpillwayOptions> = {}) =>
      createSpillway({
        redis: client(),
        lists: Object.fromEntries(
          Object.entries(lists).map(([list, handler]) => [
            list,
            { engine, handler, prefetch: 0, batchSize: 2 },
          ]),
        ),
        ...more,
      });
    const quiet = (): undefined => undefined;

    it("drain in one run, with a report of each and the sums", async () => {
      const seen: string[] = [];
      const handler: Handler<unknown> = ({ payload }) => void seen.push(payload);
      const spillway = make({ a: handler, b: handler, c: handler });
      await door.redis.lpush("a", "a1", "a2", "a3");
      await door.redis.lpush("c", "c1");
      const report = await spillway.run();
      expect(report).toMatchObject({ stopped: "empty", claimed: 4, acked: 4, remaining: 0, error: null });
      expect(report.lists).toMatchObject({ a: { acked: 3 }, c: { acked: 1 } });
      expect(Object.keys(report.lists)).toEqual(["a", "c"]);
      expect(seen.sort()).toEqual(["a1", "a2", "a3", "c1"]);
      expect(await door.everything()).toEqual({});
    });

    it("cost one request and one command together where none has work, however many they are", async () => {
      const redis = faulty(() => "none");
      const spillway = make(Object.fromEntries(names(50).map((name) => [name, quiet])), { redis });
      expect(await spillway.run()).toMatchObject({ stopped: "empty", requests: 1, commands: 1, lists: {} });
      expect(redis.sent.flat().length).toBe(1);
    });

    it("cost few commands more to know which one of fifty has work", async () => {
      const redis = faulty(() => "none");
      const spillway = make(Object.fromEntries(names(50).map((name) => [name, quiet])), { redis });
      await door.redis.lpush("list37", "m");
      expect(await spillway.run()).toMatchObject({ acked: 1 });
      const looks = redis.sent.flat().filter(([command]) => command === "EXISTS");
      // Any, 7 groups of 8, the 8 of one group, the list's own drain by one or two, and all once more.
      expect(looks.length).toBeLessThanOrEqual(1 + 7 + 8 + 2 + 1);
    });

    it("come in their order where it is strict, and one that gets work meanwhile comes before the rest", async () => {
      const seen: string[] = [];
      const note: Handler<unknown> = async ({ payload }) => {
        seen.push(payload);
        if (payload === "c1") await door.redis.lpush("a", "a2");
      };
      const spillway = make({ a: note, b: note, c: note, d: note }, { priority: "strict" });
      await door.redis.lpush("d", "d1");
      await door.redis.lpush("c", "c1");
      await door.redis.lpush("a", "a1");
      await spillway.run();
      expect(seen).toEqual(["a1", "c1", "a2", "d1"]);
    });

    it("wait for no other that is paused, and fail for none that is no list", async () => {
      const seen: string[] = [];
      const note: Handler<unknown> = ({ payload }) => void seen.push(payload);
      const spillway = make({ a: note, b: note, c: note }, { priority: "strict" });
      await spillway.lists.a?.pause();
      await door.redis.lpush("a", "a1");
      await door.redis.set("b", "no list");
      await door.redis.lpush("c", "c1");
      const report = await spillway.run();
      expect(seen).toEqual(["c1"]);
      expect(report.lists).toMatchObject({
        a: { stopped: "paused" },
        b: { stopped: "error" },
        c: { acked: 1 },
      });
      expect(report.error?.message).toMatch(/WRONGTYPE/);
    });

    it("go on by one hop of the whole, which takes all of them again", async () => {
      const hops: NextDrain[] = [];
      const slow: Handler<unknown> = () => new Promise((resolve) => setTimeout(resolve, 20));
      const spillway = make(
        { a: slow, b: slow },
        {
          name: "whole",
          continuation: {
            name: "test",
            invoke: async (next) => {
              hops.push(next);
              return null;
            },
          },
        },
      );
      await door.redis.lpush("a", ...names(200));
      await door.redis.lpush("b", ...names(200));
      const first = await spillway.run({ budgetMs: 300, chain: { id: "c", hop: 4 } });
      expect(first).toMatchObject({ stopped: "budget", continuedWith: "test", remaining: null });
      expect(Object.keys(first.lists).sort()).toEqual(["a", "b"]);
      expect(hops).toMatchObject([{ list: "whole", chain: { id: "c", hop: 5 } }]);
    });

    it("are woken as a whole by a push to one of them, and by a call", async () => {
      const hops: NextDrain[] = [];
      const invoke = async (next: NextDrain) => {
        hops.push(next);
        return null;
      };
      const spillway = make({ a: quiet, b: quiet }, { continuation: { name: "test", invoke } });
      expect(await spillway.push("b", "m")).toMatchObject({ pushed: 1, woken: true });
      expect(hops).toMatchObject([{ list: "spillway", chain: { hop: 1 } }]);
      expect(await spillway.run(hops[0] && { chain: hops[0].chain })).toMatchObject({ acked: 1 });
      expect(await spillway.wake()).toMatchObject({ woken: true });
      expect(await spillway.wake()).toMatchObject({ woken: false, wakeError: null });
      await spillway.run(hops[1] && { chain: hops[1].chain });
      hops.length = 0;
      await Promise.all([spillway.push("a", "m"), spillway.push("b", "m"), spillway.wake()]);
      expect(hops.length).toBe(1);
    });

    it("tell together where their messages are", async () => {
      const spillway = make({ a: quiet, b: quiet });
      await door.redis.lpush("a", "1", "2");
      await door.redis.lpush("b", "3");
      expect(await spillway.stats()).toMatchObject({ list: 3, lists: { a: { list: 2 }, b: { list: 1 } } });
      expect(await spillway.waitForMessage({ timeoutMs: 1 })).toBe(true);
    });

    it("share the limit of messages, and end at once where a run is aborted", async () => {
      const spillway = make({ a: quiet, b: quiet });
      await door.redis.lpush("a", ...names(5));
      await door.redis.lpush("b", ...names(5));
      expect(await spillway.run({ maxMessages: 7 })).toMatchObject({ claimed: 7, stopped: "limit" });
      expect(await spillway.run({ signal: AbortSignal.abort() })).toMatchObject({
        stopped: "aborted",
        claimed: 0,
      });
    });
  });
};
