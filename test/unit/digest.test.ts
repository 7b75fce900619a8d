import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha1Hex } from "../../src/digest.ts";

describe("sha1Hex", () => {
  it("is SHA-1 for bytes of every kind and length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const raw = Buffer.from(bytes).toString("latin1");
        expect(sha1Hex(raw)).toBe(createHash("sha1").update(bytes).digest("hex"));
      }),
    );
  });

  it.each([55, 56, 63, 64, 65, 119, 120])(
    "is right where padding meets the block's end: %i bytes",
    (length) => {
      expect(sha1Hex("a".repeat(length))).toBe(createHash("sha1").update("a".repeat(length)).digest("hex"));
    },
  );
});
