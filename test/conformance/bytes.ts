import { describe, expect, it } from "vitest";
import { list, recording, type Setup } from "./setup.ts";

/** Payloads are bytes, and come back as they went in. */
export function bytesSuite(setup: Setup): void {
  const { door, make, produce } = setup;

  describe("payloads", () => {
    const texts = [
      "1.0",
      '{"b":1, "a":2}',
      "12345678901234567890",
      "",
      "null",
      "OK",
      '"quoted"',
      "w2",
      "\0NUL\0",
      "🙂 é \u2028",
      "00123",
      "1e3",
      " spaces ",
      "line\r\nbreak",
    ];

    it("hands over and acknowledges every text to the byte", async () => {
      await produce(...texts);
      const { seen, handler } = recording();

      const report = await make({ handler }).run();

      expect(seen).toEqual(texts);
      expect(report).toMatchObject({ acked: texts.length, lostLease: 0 });
      expect(await door.everything()).toEqual({});
    });

    it("hands over bytes that are no text exactly, and acknowledges them", async () => {
      const all = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
      const surrogate = Buffer.from([0xed, 0xa0, 0x80]);
      const broken = Buffer.from([0x61, 0xff, 0xfe, 0xc3]);
      await door.redis.lpush(list, all, surrogate, broken);
      const seen: Buffer[] = [];

      const report = await make({
        handler: (message) => void seen.push(Buffer.from(message.bytes)),
      }).run();

      expect(seen).toEqual([all, surrogate, broken]);
      expect(report).toMatchObject({ acked: 3, lostLease: 0, error: null });
      expect(await door.everything()).toEqual({});
    });

    it("returns failed bytes that are no text unchanged", async () => {
      const broken = Buffer.from([0x61, 0xff, 0x00, 0xc3]);
      await door.redis.lpush(list, broken, Buffer.from("fine"));

      await make({
        handler: (message) => {
          if (message.payload !== "fine") throw new Error("no");
        },
      }).run();

      const [member] = await door.redis.zrangeBuffer(`{${list}}:delayed`, 0, "-1");
      expect(member?.subarray(member.indexOf(":") + 1)).toEqual(broken);
      await door.makeDue(list);
      const seen: Buffer[] = [];
      await make({ handler: (message) => void seen.push(Buffer.from(message.bytes)) }).run();
      expect(seen).toEqual([broken]);
    });

    it("acknowledges each of equal payloads once", async () => {
      await produce("same", "same", "other", "same");
      const { seen, handler } = recording();

      const report = await make({ handler, batchSize: 2 }).run();

      expect(seen).toEqual(["same", "same", "other", "same"]);
      expect(report).toMatchObject({ acked: 4 });
      expect(await door.everything()).toEqual({});
    });

    it("acknowledges one of equal payloads and returns the other when one of them fails", async () => {
      await produce("same", "same", "same");
      let count = 0;

      const report = await make({
        handler: () => {
          count += 1;
          if (count === 2) throw new Error("no");
        },
      }).run();

      expect(report).toMatchObject({ acked: 2, retried: 1 });
      expect(await door.waiting(list)).toEqual([]);
      expect(await door.delayed(list)).toEqual(["same"]);
    });

    it("decodes JSON into value, and a payload that is not JSON fails only if value is read", async () => {
      await produce('{"n":1}', "not json");
      const values: unknown[] = [];

      const first = await make({
        handler: (message) => void (message.payload.startsWith("{") && values.push(message.value)),
      }).run();
      await produce("not json");
      const second = await make({ handler: (message) => void values.push(message.value) }).run();

      expect(values).toEqual([{ n: 1 }]);
      expect(first).toMatchObject({ acked: 2 });
      expect(second).toMatchObject({ acked: 0, deadLettered: 1 });
    });
  });
}
