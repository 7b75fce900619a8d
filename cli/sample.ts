import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { readHandlers } from "./handlers.ts";

/** The sample's own list. */
export const sampleList = "webhooks";

export async function sampleHandlers(): Promise<ReturnType<typeof readHandlers>> {
  return readHandlers(await import("../examples/webhook-handler.ts"), "the sample");
}

/** In the built package they lie beside us; in the sources with the examples. */
export async function readSampleLines(): Promise<string[]> {
  const beside = new URL("./webhooks.ndjson", import.meta.url);
  const file = existsSync(beside) ? beside : new URL("../examples/webhooks.ndjson", import.meta.url);
  return (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
}
