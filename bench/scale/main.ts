import { mkdir, readFile, writeFile } from "node:fs/promises";
import { bills } from "./bills.ts";
import { emptyPlot, rampPlot } from "./plots.ts";
import { emptyRows, ramps, textsOf } from "./tables.ts";

const docs = new URL("../../docs/", import.meta.url);
const rows = emptyRows();
for (const [page, texts] of Object.entries({ "scale.md": textsOf(rows), ...bills() })) {
  console.log(Object.values(texts).join("\n\n"));
  let text = await readFile(new URL(page, docs), "utf8");
  for (const [name, put] of Object.entries(texts)) {
    const place = new RegExp(`(<!-- ${name} -->)[^]*?(<!-- end -->)`);
    if (!place.test(text)) throw new Error(`docs/${page} has no place for ${name}.`);
    text = text.replace(place, (_all, before, after) => `${before}\n\n${put}\n\n${after}`);
  }
  await writeFile(new URL(page, docs), text);
}

await mkdir(new URL("scale/", docs), { recursive: true });
await writeFile(new URL("scale/ramp.svg", docs), await rampPlot(ramps));
const points = rows.flatMap(({ burst: { messages, handlerMs }, ours, theirs }) => [
  { handler: `${handlerMs} ms`, by: "Spillway", messages, seconds: ours / 1_000 },
  { handler: `${handlerMs} ms`, by: "SQS → Lambda", messages, seconds: theirs / 1_000 },
]);
await writeFile(new URL("scale/empty.svg", docs), await emptyPlot(points));
