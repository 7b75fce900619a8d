import { describe, expect, it } from "vitest";
import { byKey, type Lease, OptionError, type PeekOptions } from "../../src/index.ts";
import { list, numbered, type Setup } from "./setup.ts";

/** An operator can look at messages and leases, and changes nothing by it. */
export function looksSuite(setup: Setup): void {
  const { door, engine, make, produce } = setup;
  const payloadsOf = (found: readonly { payload: string }[]): string[] => found.map(({ payload }) => payload);

  describe("a look at the messages of a list", () => {
    it("shows the next to be claimed, or the newest, and changes nothing", async () => {
      await produce(...numbered(30));
      const before = await door.everything();
      const drain = make();

      const oldest = await drain.peek();
      expect(payloadsOf(oldest)).toEqual(numbered(10));
      expect(oldest[0]).toEqual({
        list,
        place: "list",
        id: "dd43186d84cb2a94322d06bb4aa6a95514dde3d7",
        payload: "m0",
        bytes: new Uint8Array([109, 48]),
        size: 2,
        attempts: 0,
        crashes: 0,
        firstFailedAt: null,
        dueAt: null,
        key: null,
      });
      expect(payloadsOf(await drain.peek({ from: "newest", count: 3 }))).toEqual(["m29", "m28", "m27"]);
      expect(await drain.peek({ count: 1_000 })).toHaveLength(30);
      expect(await door.everything()).toEqual(before);
    });

    it("is exact to the byte, and short of payloads that are long", async () => {
      await door.redis.lpush(list, Buffer.from([0, 255, 10]));
      await produce("x".repeat(200_000), ...Array(40).fill("y".repeat(60_000)));

      const found = await make().peek({ count: 1_000 });
      expect([...(found[0]?.bytes ?? [])]).toEqual([0, 255, 10]);
      expect(found[1]).toMatchObject({ size: 200_000, payload: "x".repeat(65_536) });
      // 1 MiB, by what Redis reads, and the payload that crosses it.
      expect(found).toHaveLength(2 + 15);
    });

    it("tells the attempts of those that have failed, delayed and back in the list, and when they are due", async () => {
      await produce("bad", "good");
      const drain = make({
        handler: ({ payload }) => {
          if (payload === "bad") throw new Error("no");
        },
      });
      const { nextDueAt } = await drain.run();
      const [delayed, ...more] = await drain.peek({ place: "delayed" });
      expect(more).toEqual([]);
      expect(delayed).toMatchObject({
        place: "delayed",
        payload: "bad",
        size: 3,
        attempts: 1,
        firstFailedAt: expect.any(Number),
        dueAt: nextDueAt,
      });

      await door.makeDue(list);
      await make({ handler: () => undefined }).recover();
      await produce("fresh");
      const found = await make().peek();
      expect(found.map(({ payload, attempts }) => [payload, attempts])).toEqual([
        ["bad", 1],
        ["fresh", 0],
      ]);
      expect(found[0]?.firstFailedAt).toBe(delayed?.firstFailedAt);
    });

    it("shows delayed messages that others wrote, in the order in which they are due", async () => {
      await door.redis.zadd(`{${list}}:delayed`, 3, "id!x:late", 1, "no colon", 2, "id:a:b");
      expect(payloadsOf(await make().peek({ place: "delayed" }))).toEqual(["no colon", "a:b", "late"]);
      expect(payloadsOf(await make().peek({ place: "delayed", from: "newest", count: 1 }))).toEqual(["late"]);
    });

    it("takes one request, once Redis knows its script", async () => {
      await produce(...numbered(200));
      await make().peek();
      let requests = 0;
      const client = setup.faulty(() => {
        requests += 1;
        return "none";
      });
      expect(await make({ redis: client }).peek({ count: 200 })).toHaveLength(200);
      expect(requests).toBe(1);
    });

    it.each<[string, unknown]>([
      ["a place that there is not", { place: "dead" }],
      ["no message", { count: 0 }],
      ["more than 1,000", { count: 1e21 }],
      ["a number that is none", { count: Number.NaN }],
      ["an end that there is not", { from: "left" }],
      ["a name that there is not", { max: 1 }],
      ["null", null],
    ])("that asks for %s is refused", async (_, options) => {
      await expect(make().peek(options as PeekOptions)).rejects.toThrow(OptionError);
    });
  });

  describe("a look at the leases of a list", () => {
    it("shows who holds what, as long as it does", async () => {
      await produce(...numbered(3));
      let seen: Lease[] = [];
      const drain = make({
        batchSize: 3,
        randomId: () => "holder",
        handler: async ({ payload }) => {
          if (payload === "m0") seen = await drain.leases();
        },
      });
      await drain.run();
      const now = await door.now();
      if (engine === "plain") expect(seen).toEqual([]);
      else {
        expect(seen).toEqual([
          {
            list,
            batch: "holder.1",
            drain: "holder",
            count: 3,
            endsAt: expect.any(Number),
            endsInMs: expect.any(Number),
            isExpired: false,
          },
        ]);
        expect(seen[0]?.endsAt).toBeGreaterThan(now);
      }
      expect(await drain.leases()).toEqual([]);
    });

    it.each([{ max: 0 }, { max: "1" }, { count: 1 }])("that asks for %j is refused", async (options) => {
      await expect(make().leases(options as never)).rejects.toThrow(OptionError);
    });

    if (engine === "plain") return;

    it("tells those that have ended from the others, and shows them first", async () => {
      const now = await door.now();
      await door.redis.zadd(`{${list}}:leases`, now + 60_000, "b.2", 1_000, "a.1");
      await door.redis.rpush(`{${list}}:working:a.1`, "x", "y");
      expect(await make().leases()).toMatchObject([
        { batch: "a.1", drain: "a", count: 2, isExpired: true, endsAt: 1_000 },
        { batch: "b.2", drain: "b", count: 0, isExpired: false },
      ]);
      expect(await make().leases({ max: 1 })).toMatchObject([{ batch: "a.1" }]);
    });

    it("and at what waits in the line of a key shows its messages in their order", async () => {
      await produce('{"k":1,"n":0}', '{"k":1,"n":1}', '{"k":1,"n":2}', '{"k":2,"n":3}');
      let parked: string[] = [];
      const drain = make({
        order: byKey("k"),
        batchSize: 1,
        maxConcurrency: 2,
        handler: async () => {
          // Another drain meets the key that this one holds.
          if (parked.length > 0) return;
          await make({ order: byKey("k"), batchSize: 2, maxConcurrency: 2 }).run();
          const found = await drain.peek({ place: "parked" });
          parked = payloadsOf(found);
          expect(new Set(found.map(({ key }) => key)).size).toBe(1);
          expect(found[0]?.key).toMatch(/^[0-9a-f]{16}$/);
        },
      } as never);
      await drain.run();
      expect(parked).toEqual(['{"k":1,"n":1}', '{"k":1,"n":2}']);
    });
  });
}
