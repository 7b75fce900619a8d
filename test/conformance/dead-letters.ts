import { describe, expect, it } from "vitest";
import {
  type DeadLetter,
  type DeadLetterWhere,
  type Drain,
  deadLetter,
  type EveryDrainOption,
  NonRetryableError,
  OptionError,
} from "../../src/index.ts";
import { list, numbered, type Setup } from "./setup.ts";

/** Dead letters can be counted, read, redriven and purged, the right ones and in order. */
export function deadLettersSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("dead letters", () => {
    /** Makes dead letters of these, the first given first. */
    const makeDeadLetters = async (
      options: Partial<EveryDrainOption<never>>,
      ...payloads: string[]
    ): Promise<Drain> => {
      await produce(...payloads);
      const drain = make({ ...options, batchSize: 7, handler: (message) => deadLetter(message.payload) });
      expect(await drain.run()).toMatchObject({ deadLettered: payloads.length });
      return drain;
    };
    const payloadsOf = (deadLetters: readonly DeadLetter[]): string[] =>
      deadLetters.map(({ payload }) => payload);
    const many = numbered(250);

    it("are counted and read, the oldest or the newest first, filtered and bounded", async () => {
      const { deadLetters } = await makeDeadLetters({}, ...many);

      expect(await deadLetters.count()).toBe(250);
      expect(payloadsOf(await deadLetters.list())).toEqual(many.slice(0, 100));
      expect(payloadsOf(await deadLetters.list({ max: 3, order: "newest" }))).toEqual([
        "m249",
        "m248",
        "m247",
      ]);
      const filter = ({ reason }: DeadLetter): boolean => reason.endsWith("9");
      expect(payloadsOf(await deadLetters.list({ max: 1_000, filter }))).toEqual(
        many.filter((one) => one.endsWith("9")),
      );
    });

    it("return to the list in their order, with a fresh count of attempts", async () => {
      const payload = Buffer.from([0xff, 0x0a, 0x00]);
      const { deadLetters } = await makeDeadLetters({}, ...many);
      await door.redis.lpush(list, payload);
      await make({ handler: () => deadLetter("no") }).run();
      await produce("waiting");

      expect(await deadLetters.redrive()).toEqual({ redriven: 251 });

      const seen: string[] = [];
      const bytes: number[][] = [];
      await make({
        handler: (message) => {
          seen.push(`${message.payload}${message.attempt}`);
          bytes.push([...message.bytes]);
        },
      }).run();
      expect(seen.slice(0, 251)).toEqual(["waiting1", ...many.map((one) => `${one}1`)]);
      expect(bytes[251]).toEqual([...payload]);
      expect(await door.everything()).toEqual({});
    });

    it("are redriven as many and as chosen as asked, those left keeping their order", async () => {
      const { deadLetters } = await makeDeadLetters({}, ...many);
      const filter = ({ payload }: DeadLetter): boolean => payload.endsWith("0");

      expect(await deadLetters.redrive({ filter, max: 5, dryRun: true })).toEqual({ redriven: 5 });
      expect(await deadLetters.count()).toBe(250);
      expect(await deadLetters.redrive({ filter, max: 5, order: "newest" })).toEqual({ redriven: 5 });
      expect(await door.waiting(list)).toEqual(["m240", "m230", "m220", "m210", "m200"]);
      expect(await deadLetters.redrive({ filter, max: 2 })).toEqual({ redriven: 2 });
      expect((await door.waiting(list)).slice(5)).toEqual(["m0", "m10"]);
      const gone = new Set(await door.waiting(list));
      expect(payloadsOf(await deadLetters.list({ max: 300 }))).toEqual(many.filter((one) => !gone.has(one)));
    });

    it("are chosen by what they say, and one is shown by its id", async () => {
      await produce("Anna", "berta", "carl");
      const drain = make({
        batchSize: 3,
        handler: ({ payload }) => {
          if (payload !== "berta") return deadLetter("no address");
          throw new NonRetryableError("The Bounce", { cause: 1 });
        },
      });
      await drain.run();
      const { deadLetters } = drain;
      const chosen = async (where: DeadLetterWhere) => payloadsOf(await deadLetters.list({ where }));
      const [first] = await deadLetters.list();
      const at = first?.lastFailedAt ?? 0;

      expect(await chosen({ reason: "no address" })).toEqual(["Anna", "carl"]);
      expect(await chosen({ errorName: "NonRetryableError" })).toEqual(["berta"]);
      expect(await chosen({ text: "ANNA" })).toEqual(["Anna"]);
      expect(await chosen({ text: "bounce" })).toEqual(["berta"]);
      expect(await chosen({ reason: "no address", text: "r" })).toEqual(["Anna", "carl"]);
      expect(await chosen({ since: at, until: at + 60_000 })).toHaveLength(3);
      expect(await chosen({ since: at + 60_000 })).toEqual([]);
      expect(await chosen({ until: at - 60_000 })).toEqual([]);

      const id = first?.id ?? "";
      expect(await deadLetters.show(id)).toEqual(first);
      expect(await deadLetters.show(`${id}0`)).toBe(null);
      const where = { id };
      expect(await deadLetters.redrive({ where, dryRun: true })).toEqual({ redriven: 1 });
      expect(await deadLetters.redrive({ where })).toEqual({ redriven: 1 });
      expect(await door.waiting(list)).toEqual(["Anna"]);
      expect(await deadLetters.purge({ where: { reason: "no address" } })).toEqual({ purged: 1 });
      expect(payloadsOf(await deadLetters.list())).toEqual(["berta"]);
    });

    it.each([
      { where: null },
      { where: "x" },
      { where: { text: "" } },
      { where: { since: Number.NaN } },
      { where: { until: 1e21 } },
      { where: { error: "x" } },
    ])("refuse %j", async (options) => {
      await expect(make().deadLetters.list(options as never)).rejects.toThrow(OptionError);
    });

    it("are purged as chosen, or only counted", async () => {
      const { deadLetters } = await makeDeadLetters({}, "a", "a", "b");

      expect(await deadLetters.purge({ dryRun: true })).toEqual({ purged: 3 });
      expect(await deadLetters.purge({ filter: ({ payload }) => payload === "a", max: 1 })).toEqual({
        purged: 1,
      });
      expect(payloadsOf(await deadLetters.list())).toEqual(["a", "b"]);
      expect(await deadLetters.purge()).toEqual({ purged: 2 });
      expect(await door.everything()).toEqual({});
    });

    it("are kept up to maxCount, the newest of them", async () => {
      const { deadLetters } = await makeDeadLetters(
        { deadLetters: { maxCount: 3 } },
        "a",
        "b",
        "c",
        "d",
        "e",
      );
      expect(payloadsOf(await deadLetters.list())).toEqual(["c", "d", "e"]);
    });

    it("that another program put there are read, redriven and kept apart", async () => {
      await door.redis.lpush(`{${list}}:dead`, "foreign\npayload", "{}");
      const { deadLetters } = make();

      expect(await deadLetters.list()).toMatchObject([
        { payload: "foreign\npayload", reason: "unknown" },
        { payload: "{}", reason: "unknown" },
      ]);
      await deadLetters.redrive();
      expect(await door.waiting(list)).toEqual(["foreign\npayload", "{}"]);
    });

    it("refuse options that they do not know", async () => {
      const { deadLetters } = make();
      await expect(deadLetters.redrive({ max: 0 })).rejects.toThrow(OptionError);
      await expect(deadLetters.purge({ olderThan: 1 } as never)).rejects.toThrow(OptionError);
    });
  });

  if (setup.engine === "scripted") {
    it("older than maxAgeMs are deleted when another comes", async () => {
      await produce("old", "young");
      const drain = make({
        batchSize: 1,
        deadLetters: { maxAgeMs: 600_000 },
        handler: async (message) => {
          if (message.payload === "young") {
            const entry = await door.redis.lpop(`{${list}}:dead`);
            const older = entry?.replace(/"lastFailedAt":\d+/, '"lastFailedAt":1000') ?? "";
            await door.redis.lpush(`{${list}}:dead`, older);
          }
          return deadLetter("no");
        },
      });
      expect(await drain.run()).toMatchObject({ deadLettered: 2 });
      expect((await drain.deadLetters.list()).map(({ payload }) => payload)).toEqual(["young"]);
    });
  }
}
