import { describe, expect, it } from "vitest";
import { ManualClock } from "../support/manual-clock.ts";
import { list, numbered, type Setup } from "./setup.ts";

/** A run ends with its budget or when it is told to, and says what became of each message. */
export function deadlinesSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("time", () => {
    it("stops at the end of the budget in mid-batch: settles what is done, releases what has not begun", async () => {
      const clock = new ManualClock();
      await produce("a", "b", "c", "d");
      const seen: string[] = [];

      const report = await make({
        clock,
        handler: (message) => {
          seen.push(message.payload);
          if (message.payload === "b") clock.advance(29_200);
        },
      }).run({ budgetMs: 30_000 });

      expect(seen).toEqual(["a", "b"]);
      expect(report).toMatchObject({ claimed: 4, acked: 2, released: 2, remaining: 2, stopped: "budget" });
      expect(await door.waiting(list)).toEqual(["c", "d"]);
      expect(Object.keys(await door.everything())).toEqual([list]);
    });

    it("aborts the message's signal at the deadline, and leaves leased what still does not stop", async () => {
      const clock = new ManualClock();
      await produce("stuck", "next");
      let signal: AbortSignal | undefined;

      const report = await make({
        clock,
        handler: (message) => {
          signal = message.signal;
          expect(signal.aborted).toBe(false);
          expect(message.remainingMs()).toBeGreaterThan(0);
          queueMicrotask(() => clock.advance(60_000));
          return new Promise(() => undefined);
        },
      }).run({ budgetMs: 30_000 });

      expect(signal?.aborted).toBe(true);
      expect(report).toMatchObject({ claimed: 2, acked: 0, released: 1, leftBehind: 1, stopped: "budget" });
      expect(await door.waiting(list)).toEqual(["next"]);
      const working = Object.entries(await door.everything()).filter(([key]) => key.includes(":working"));
      expect(working.map(([, messages]) => messages)).toEqual([["stuck"]]);
    });

    it("that takes longer than handlerTimeoutMs is told by the signal, and its message is tried again", async () => {
      await produce("slow", "quick");
      const clock = new ManualClock();
      let reason: unknown;
      const drain = make({
        clock,
        handlerTimeoutMs: 1_000,
        handler: (message) => {
          if (message.payload === "quick") return undefined;
          expect(message.remainingMs()).toBe(1_000);
          message.signal.addEventListener("abort", () => {
            reason = message.signal.reason;
          });
          queueMicrotask(() => clock.advance(1_000));
          return new Promise(() => undefined);
        },
      });

      const report = await drain.run({ budgetMs: 30_000 });

      expect(reason).toMatchObject({ name: "HandlerTimeoutError" });
      expect(report).toMatchObject({ retried: 1, acked: 1, stopped: "empty" });
      expect(await door.delayed(list)).toEqual(["slow"]);
    });

    it("ends early when aborted from outside, and releases what it cut short without counting an attempt", async () => {
      await produce("a", "b", "c");
      const controller = new AbortController();

      const report = await make({
        handler: (message) =>
          message.payload === "a"
            ? undefined
            : new Promise((_, reject) => {
                message.signal.addEventListener("abort", () => reject(message.signal.reason));
                controller.abort();
              }),
      }).run({ signal: controller.signal });

      expect(report).toMatchObject({ acked: 1, released: 2, retried: 0, stopped: "aborted" });
      expect(await door.waiting(list)).toEqual(["b", "c"]);
      expect(Object.keys(await door.everything())).toEqual([list]);
    });

    it("sends nothing when the signal was aborted before", async () => {
      await produce("a");

      const report = await make().run({ signal: AbortSignal.abort() });

      expect(report).toMatchObject({ claimed: 0, requests: 0, commands: 0, stopped: "aborted" });
    });

    it("claims no more than the time left can take", async () => {
      const clock = new ManualClock();
      await produce(...numbered(40));

      const report = await make({
        clock,
        batchSize: 10,
        reserveMs: 0,
        handler: () => clock.advance(1_000),
      }).run({ budgetMs: 25_500 });

      // Ten, ten, and then the five that fit: none claimed in vain.
      expect(report).toMatchObject({
        claimed: 25,
        acked: 25,
        released: 0,
        remaining: 15,
        stopped: "budget",
      });
    });
  });

  if (setup.engine === "scripted") {
    it.each([
      [
        "has its chain wait for the end of the lease, if it has a timer, for until then its slot is taken",
        1,
        true,
      ],
      ["goes on at once where there is no timer", 1, false],
      ["goes on at once where another drain may come", 2, true],
    ] as const)("with a handler left running, %s", async (_title, maxConcurrency, hasTimer) => {
      const clock = new ManualClock();
      await produce("done", "stuck", "next");
      const called: unknown[] = [];
      const invoke = async () => {
        called.push("at once");
        return null;
      };
      const invokeLater = async ({ inMs }: { inMs: number }) => {
        called.push((await door.now()) + inMs);
        return null;
      };

      await make({
        clock,
        maxConcurrency,
        continuation: { name: "test", invoke, ...(hasTimer ? { invokeLater } : {}) },
        handler: ({ payload }) => {
          if (payload === "done") return undefined;
          queueMicrotask(() => clock.advance(60_000));
          return new Promise(() => undefined);
        },
      }).run({ budgetMs: 30_000 });

      const [lease] = (await door.redis.zrange("{mail}:leases", 0, "-1", "WITHSCORES")).slice(1);
      if (maxConcurrency === 1 && hasTimer) {
        expect(called).toEqual([expect.closeTo(Number(lease), -4)]);
      } else expect(called).toEqual(["at once"]);
    });
  }
}
