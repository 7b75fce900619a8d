import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBytes, fromText, toBytes, toText, toTextExact } from "../../src/index.ts";

describe("bytes in a string", () => {
  it("carry every byte there and back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50_000 }), (bytes) => {
        expect(toBytes(fromBytes(bytes))).toEqual(bytes);
      }),
      { numRuns: 30 },
    );
  });

  it("carry every well-formed text there and back, a byte order mark included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(toText(fromText(text))).toBe(text);
        expect(toTextExact(fromText(text))).toBe(text);
      }),
    );
    expect(toText(fromText("\ufeffmarked"))).toBe("\ufeffmarked");
  });

  it("read invalid UTF-8 as U+FFFD, and say so where exactness was asked for", () => {
    expect(toText("a\xff")).toBe("a\ufffd");
    expect(toTextExact("a\xff")).toBeUndefined();
  });
});
