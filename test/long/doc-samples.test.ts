import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { moduleOf } from "../docs/program.ts";
import { pages, type Sample, samplesOf } from "../docs/samples.ts";
import { Program } from "../support/program.ts";
import { testToken } from "../support/redis.ts";
import { useRestServer } from "../support/redis-under-test.ts";

const root = new URL("../../", import.meta.url).pathname;
// Within this package a module may import `spillway` and `spillway/…`, and gets what was built, as a user's would.
const folder = join(root, "test/docs/.samples");
const fileOf = ({ place }: Sample): string => join(folder, `${place.replace(/\W+/g, "-")}.ts`);

const samples = pages()
  .flatMap(samplesOf)
  .filter(({ language }) => language === "ts");

describe("each sample of the docs, taken from the page", () => {
  let faults: Map<string, string[]>;
  const served = useRestServer();

  beforeAll(async () => {
    await mkdir(folder, { recursive: true });
    for (const sample of samples) await writeFile(fileOf(sample), moduleOf(sample));
    faults = typeFaults(samples.map(fileOf));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(samples.map((sample) => [sample.place, sample] as const))("%s compiles", (_, sample) => {
    expect(faults.get(fileOf(sample)) ?? []).toEqual([]);
  });

  it.each(
    samples.filter(({ notRun }) => notRun === undefined).map((sample) => [sample.place, sample] as const),
  )("%s runs", async (_, sample) => {
    await served.door.redis.flushall();
    const environment = {
      UPSTASH_REDIS_REST_URL: served.server().url,
      UPSTASH_REDIS_REST_TOKEN: testToken,
      DRAIN_TOKEN: "a-token-of-32-characters-or-more-1",
    };
    const program = new Program(process.execPath, [fileOf(sample)], { folder: root, environment });
    const { code } = await program.ended;
    expect([code, code === 0 ? "" : program.output]).toEqual([0, ""]);
  });
});

/** What the compiler says of each file, strictly. */
function typeFaults(files: readonly string[]): Map<string, string[]> {
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: ["node"],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  });
  const found = new Map<string, string[]>();
  for (const { file, start = 0, messageText } of ts.getPreEmitDiagnostics(program)) {
    const path = file?.fileName ?? "";
    const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    const said = `${basename(path)}:${line} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    found.set(path, [...(found.get(path) ?? []), said]);
  }
  return found;
}
