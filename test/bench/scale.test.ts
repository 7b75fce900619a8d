import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { bills } from "../../bench/scale/bills.ts";
import { spillway } from "../../bench/scale/simulate.ts";
import { emptyRows, textsOf } from "../../bench/scale/tables.ts";
import { pages, pageText } from "../docs/samples.ts";

const texts = Object.entries({ "scale.md": textsOf(emptyRows()), ...bills() }).flatMap(([page, ofPage]) =>
  Object.entries(ofPage).map(([name, text]) => [page, name, text] as const),
);

it.each(texts)("docs/%s has what bench/scale prints between its marks: %s", (page, name, text) => {
  const written = readFileSync(new URL(`../../docs/${page}`, import.meta.url), "utf8");
  expect(written).toContain(`<!-- ${name} -->\n\n${text}\n\n<!-- end -->`);
});

it.each(pages())("%s names no price but between such marks, where a program writes it", (page) => {
  const prose = pageText(page)
    .replace(/<!-- [\w ]+ -->[\s\S]*?<!-- end -->/g, "")
    .replace(/^```[\s\S]*?^```$/gm, "");
  expect(prose.match(/.*\$\s?\d.*/g)).toBeNull();
});

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
