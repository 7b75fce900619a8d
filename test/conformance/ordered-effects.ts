import { describe, expect, it } from "vitest";
import { ack, type Effect } from "../../src/index.ts";
import { list, only, type Setup } from "./setup.ts";

const counter = `{${list}}:sent`;
const sums = `{${list}}:sums`;

/** Effects under an order: once, with the ack; and one that Redis refuses holds up what comes after its message. */
export function orderedEffectsSuite(setup: Setup): void {
  const { door, make, produce, faulty } = setup;
  const orders = ["strict", { byKey: "k" }] as const;
  const payloads = ["a0", "b0", "a1", "b1", "a2"].map((name) =>
    JSON.stringify({ k: name.slice(0, 1), name }),
  );
  const nameOf = (payload: string): string => JSON.parse(payload).name;
  const ofA = (seen: readonly string[]): string[] => seen.filter((name) => name.startsWith("a"));
  const counting = ack({ effects: [["INCRBY", counter, 1]] });

  describe.each(orders)("effects in the order %j", (order) => {
    it("run once for each message that is acknowledged, in order, and leave nothing of it behind", async () => {
      await produce(...payloads);
      const seen: string[] = [];
      const handler = ({ payload }: { payload: string }) => {
        seen.push(nameOf(payload));
        return counting;
      };
      const report = await make({ order, handler, batchSize: 4 }).run();
      expect(report).toMatchObject({ acked: 5, failures: [], error: null, stopped: "empty" });
      expect(ofA(seen)).toEqual(["a0", "a1", "a2"]);
      expect(await door.everything()).toEqual({ [counter]: "5" });
    });

    it("run once, whichever reply is lost", async () => {
      for (let failing = 0; failing < 12; failing++) {
        await door.redis.flushall();
        await produce(...payloads);
        const redis = faulty(only(failing, "lose-reply"));
        await make({ order, redis, handler: () => counting, batchSize: 4 }).run();
        expect(await door.everything(), `request ${failing}`).toEqual({ [counter]: "5" });
      }
    });

    it("fail their message where Redis refuses one, and nothing of its line comes before it", async () => {
      await produce(...payloads);
      await door.redis.set(sums, "no hash");
      const seen: string[] = [];
      const adding = (name: string) => ack({ effects: [["HINCRBY", sums, name, 1] satisfies Effect] });
      const handler = ({ payload, attempt }: { payload: string; attempt: number }) => {
        const name = nameOf(payload);
        seen.push(`${name}.${attempt}`);
        return name === "a0" ? adding(name) : counting;
      };
      const drain = make({ order, handler, batchSize: 4, retryDelay: { baseMs: 60_000, maxMs: 60_000 } });
      const report = await drain.run();
      expect(report).toMatchObject({
        retried: 1,
        failures: [{ name: "EffectError", count: 1 }],
        error: null,
      });
      expect(ofA(seen)).toEqual(["a0.1"]);

      await door.redis.del(sums, `{${list}}:held`, ...(await door.redis.keys("*:done:*")));
      for (const key of await door.redis.zrange(`{${list}}:due`, 0, "-1"))
        await door.redis.zadd(`{${list}}:due`, "1", key);
      expect(await drain.run()).toMatchObject({ stopped: "empty", error: null });
      expect(ofA(seen)).toEqual(["a0.1", "a0.2", "a1.1", "a2.1"]);
      expect(await door.everything()).toEqual({ [counter]: "4", [sums]: { a0: "1" } });
    });
  });
}
