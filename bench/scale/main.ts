import { mkdir, writeFile } from "node:fs/promises";
import { writeInto } from "../markdown.ts";
import { bills } from "./bills.ts";
import { emptyPlot, rampPlot } from "./plots.ts";
import { emptyRows, ramps, textsOf } from "./tables.ts";

const docs = new URL("../../docs/", import.meta.url);
const rows = emptyRows();
for (const [page, texts] of Object.entries({ "scale.md": textsOf(rows), ...bills() })) {
  console.log(Object.values(texts).join("\n\n"));
  await writeInto(page, texts);
}

await mkdir(new URL("scale/", docs), { recursive: true });
await writeFile(new URL("scale/ramp.svg", docs), await rampPlot(ramps));
const points = rows.flatMap(({ burst: { messages, handlerMs }, ours, theirs }) => [
  { handler: `${handlerMs} ms`, by: "Spillway", messages, seconds: ours / 1_000 },
  { handler: `${handlerMs} ms`, by: "SQS → Lambda", messages, seconds: theirs / 1_000 },
]);
await writeFile(new URL("scale/empty.svg", docs), await emptyPlot(points));
