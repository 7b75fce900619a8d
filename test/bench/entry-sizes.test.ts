import { beforeAll, describe, expect, it } from "vitest";
import { entrySizes, notedSizes } from "../../bench/entry-sizes.ts";

/** Compilers and minifiers move this much from one version to the next, bytes and share. */
const margin = { bytes: 150, share: 0.02 };

describe("the code of each entry weighs what bench/entry-sizes.json says, which `npm run sizes` writes", () => {
  const noted = notedSizes();
  let sizes: Record<string, number>;
  beforeAll(async () => {
    sizes = await entrySizes();
  });

  it.each(Object.entries(noted))("%s: %d bytes, gzipped, or hardly more", (name, bytes) => {
    expect(sizes[name]).toBeLessThanOrEqual(bytes + Math.max(margin.bytes, bytes * margin.share));
  });

  it("and the table has every entry, and none that has become much lighter since", () => {
    expect(Object.keys(noted)).toEqual(Object.keys(sizes));
    const loose = Object.entries(sizes).filter(([name, bytes]) => bytes < 0.85 * (noted[name] ?? 0));
    expect(loose).toEqual([]);
  });
});
