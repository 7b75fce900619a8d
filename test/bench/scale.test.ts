import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { spillway } from "../../bench/scale/simulate.ts";
import { emptyRows, textsOf } from "../../bench/scale/tables.ts";

it.each(Object.entries(textsOf(emptyRows())))(
  "docs/scale.md has what bench/scale prints between its marks: %s",
  (name, text) => {
    const page = readFileSync(new URL("../../docs/scale.md", import.meta.url), "utf8");
    expect(page).toContain(`<!-- ${name} -->\n\n${text}\n\n<!-- end -->`);
  },
);

it.each([1, 2, 3, 8, 64, 1_000])(
  "a simulated burst that wants more brings the %i drains that may live, and hardly any in vain",
  (most) => {
    const { ramp, surplus } = spillway({
      messages: 10_000_000,
      handlerMs: 10,
      concurrency: 10,
      maxConcurrency: most,
    });
    expect(Math.max(...ramp.map(({ live }) => live))).toBe(most);
    // Where the last come after a second, those before have looked again.
    expect(surplus).toBeLessThanOrEqual(most / 20);
  },
);
