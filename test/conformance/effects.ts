import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { ack, type Effect, forward, idempotent, retry } from "../../src/index.ts";
import { runMortal } from "./mortal.ts";
import { list, numbered, only, type Setup } from "./setup.ts";

const counter = `{${list}}:sent`;
const next = `{${list}}:next`;
const counting = ack({ effects: [["INCRBY", counter, 1]] });

/** Effects commit with the ack, once, exactly when it takes effect, and not at all where it does not. */
export function effectsSuite(setup: Setup): void {
  const { door, make, produce, places, faulty } = setup;
  const count = async (): Promise<number> => Number(await door.redis.get(counter));

  if (setup.engine === "plain") {
    it("effects fail their message, which says that this engine runs none", async () => {
      await produce("a");
      const report = await make({ handler: () => counting }).run();
      expect(report).toMatchObject({
        acked: 0,
        retried: 1,
        failures: [{ message: expect.stringContaining("scripted engine") }],
      });
      expect(await door.redis.exists(counter)).toBe(0);
    });
    return;
  }

  describe("effects", () => {
    it("run once for each message that is acknowledged, and leave nothing of it behind", async () => {
      await produce(...numbered(7));

      const report = await make({ batchSize: 3, handler: () => counting }).run();

      expect(report).toMatchObject({ acked: 7, retried: 0, failures: [], error: null, stopped: "empty" });
      expect(await door.everything()).toEqual({ [counter]: "7" });
    });

    it("run for none of those that fail, wait, die or are given back", async () => {
      await produce(...numbered(6));
      const says: Record<string, () => unknown> = {
        m0: () => counting,
        m1: () => Promise.reject(new Error("no")),
        m2: () => retry(),
        m4: () => counting,
      };

      const handler = ((message: { payload: string }) => says[message.payload]?.()) as never;
      expect(await make({ handler }).run()).toMatchObject({ acked: 4, retried: 2 });

      expect(await count()).toBe(2);
      expect(await door.delayed(list)).toHaveLength(2);
    });

    it("run for messages that have failed before, and take their histories along", async () => {
      await produce("a", "b");
      const handler = (message: { attempt: number; payload: string }) => {
        if (message.attempt === 1 && message.payload === "a") throw new Error("no");
        return counting;
      };
      await make({ handler, retryDelay: () => 0 }).run();
      await make({ handler }).run();
      expect(await door.everything()).toEqual({ [counter]: "2" });
    });

    it("move messages to another list in their order, byte by byte", async () => {
      const bytes = [Buffer.from([0, 255, 13, 10]), Buffer.from("é😀"), Buffer.from("")];
      await door.redis.lpush(list, ...bytes);

      const handler = (message: { bytes: Uint8Array }) => forward(next, message.bytes);
      expect(await make({ handler }).run()).toMatchObject({ acked: 3 });

      expect((await door.redis.lrangeBuffer(next, 0, -1)).reverse()).toEqual(bytes);
      expect(await places()).toEqual([next]);
    });

    it("may be a forward of several payloads with other effects beside it", async () => {
      await produce("a");
      const handler = () =>
        forward(next, ["x", { to: 1 }], { effects: [["HSET", `{${list}}:h`, "of", "a"]] });
      await make({ handler }).run();
      expect(await door.everything()).toEqual({ [next]: ['{"to":1}', "x"], [`{${list}}:h`]: { of: "a" } });
    });

    it("are of one message each in the array of a batch handler", async () => {
      await produce("a", "b", "c");
      const batchHandler = () => [counting, new Error("no"), forward(next, "c")];
      expect(await make({ batchHandler }).run()).toMatchObject({ acked: 2, retried: 1 });
      expect(await count()).toBe(1);
      expect(await door.waiting(next)).toEqual(["c"]);
    });

    it("of one ack for a whole batch are refused, for no one has said whether they run once", async () => {
      await produce("a", "b");
      const report = await make({ batchHandler: () => counting }).run();
      expect(report).toMatchObject({ acked: 0, retried: 2 });
      expect(report.failures[0]?.message).toMatch(/one ack with effects/);
      expect(await door.redis.exists(counter)).toBe(0);
    });

    it.each(["lose-reply", "lose-request", "double"] as const)(
      "run once where a request suffers: %s",
      async (fault) => {
        for (let failing = 1; failing <= 5; failing++) {
          await door.redis.flushall();
          await produce(...numbered(5));
          const redis = faulty(only(failing, fault));
          const handler = (message: { payload: string }) =>
            message.payload === "m1" ? forward(next, "one") : counting;
          const report = await make({ redis, batchSize: 2, handler }).run();
          // A doubled request gets two answers. The client sees the second one, which may say that the lease is lost.
          expect(report.acked + report.lostLease).toBe(5);
          expect(await door.everything()).toEqual({ [counter]: "4", [next]: ["one"] });
        }
      },
    );

    it("run once for a message whose drain died after it had finished it", async () => {
      await produce("a", "b", "c");
      const died = await runMortal(setup, (message) => message.payload === "c", { handler: () => counting });
      expect(died).toBe("died");
      expect(await count()).toBe(0);
      await make({ handler: () => counting }).run();
      expect(await door.everything()).toEqual({ [counter]: "3" });
    });

    it("are not lost with a done-marker: what was finished and not settled runs again", async () => {
      await produce("a", "b", "c");
      const ran: string[] = [];
      const handler = idempotent(
        (message) => {
          ran.push(message.payload);
          return message.payload === "b" ? undefined : counting;
        },
        { ttlMs: 600_000 },
      );
      expect(await runMortal(setup, (message) => message.payload === "c", { handler })).toBe("died");
      await make({ handler }).run();
      expect(ran).toEqual(["a", "b", "a", "c"]);
      expect(await door.everything()).toEqual({ [counter]: "2" });
    });

    it("are not run where the lease was lost, and the message runs again", async () => {
      await produce("a");
      const first = await make({
        handler: async (message) => {
          if (message.attempt > 1) return counting;
          await door.expireLeases(list);
          await make({ handler: () => counting }).run();
          return counting;
        },
      }).run();
      expect(first).toMatchObject({ acked: 0, lostLease: 1 });
      expect(await door.everything()).toEqual({ [counter]: "1" });
    });
  });

  describe("an effect that its list cannot have", () => {
    it.each([
      ["a key of another slot", ["SET", "sent", 1], /"sent"/],
      ["a key with the tag behind another", ["SET", `{x}{${list}}`, 1], /\{mail\}/],
      ["one of Spillway's keys", ["DEL", `{${list}}:leases`], /keys of your own/],
      ["a working list", ["DEL", `{${list}}:working:a.1`], /keys of your own/],
      ["the count of shards", ["DEL", `{${list}}:shards`], /keys of your own/],
      ["the drains of its shards", ["DEL", `{${list}}:drains`], /keys of your own/],
      ["the list itself, but for a push", ["DEL", list], /keys of your own/],
    ] as const)("fails its message before anything runs: %s", async (_, effect, words) => {
      await produce("a");
      const effects = [["INCR", counter], effect] as unknown as Effect[];
      const report = await make({ handler: () => ack({ effects }) }).run();
      expect(report).toMatchObject({ acked: 0, retried: 1 });
      expect(report.failures[0]).toMatchObject({ name: "OptionError" });
      expect(report.failures[0]?.message).toMatch(words);
      expect(await door.redis.exists(counter)).toBe(0);
    });

    it("is none where it pushes to the list itself", async () => {
      await produce("a");
      const handler = (message: { payload: string }) =>
        message.payload === "a" ? forward(list, "b") : undefined;
      expect(await make({ handler }).run()).toMatchObject({ acked: 2 });
    });
  });

  it("effects of more than a megabyte are run in parts, once each, and a refused one fails its message", async () => {
    await door.redis.set(next, "text");
    await produce(...numbered(6));
    const big = "x".repeat(300_000);
    const handler = ({ payload }: { payload: string }) =>
      payload === "m1"
        ? forward(next, payload)
        : ack({
            effects: [
              ["INCRBY", counter, 1],
              ["SET", `{${list}}:${payload}`, big],
            ],
          });

    const report = await make({ handler }).run();

    expect(report).toMatchObject({ acked: 5, retried: 1, error: null, failures: [{ name: "EffectError" }] });
    expect(await count()).toBe(5);
    expect(await door.delayed(list)).toEqual(["m1"]);
    for (const at of [0, 2, 3, 4, 5]) expect(await door.redis.strlen(`{${list}}:m${at}`)).toBe(300_000);
  });

  it("a batch of forwards to one list costs four commands more at most, and no request", async () => {
    const handler = { plain: () => undefined, forwarding: () => forward(next, "onward") };
    const costs: Record<string, { requests: number; commands: number }> = {};
    // Handlers that take no time, however slow the machine is.
    const clock = { ...systemClock, now: () => 0 };
    for (const [name, one] of Object.entries(handler)) {
      // Redis then knows the script.
      await produce("first");
      await make({ handler: one }).run();
      await door.redis.flushall();
      await produce(...numbered(1_000));
      const { requests, commands } = await make({ clock, batchSize: 100, handler: one }).run();
      costs[name] = { requests, commands };
    }
    expect(costs.forwarding?.requests).toBe(costs.plain?.requests);
    expect((costs.forwarding?.commands ?? 0) - (costs.plain?.commands ?? 0)).toBeLessThanOrEqual(4 * 10);
    expect(await door.redis.llen(next)).toBe(1_000);
  });
}
