import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { Program } from "./program.ts";

const root = new URL("../../", import.meta.url).pathname;

/** The command line, each test with an empty folder for what is temporary. */
export function useCommandLine() {
  let folder = "";
  let temporary = "";
  let fileCount = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "spillway-start-"));
  });
  beforeEach(async () => {
    temporary = await mkdtemp(join(folder, "tmp-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** The built command line: it starts in half the time of its sources, which `npm start` runs. */
  function start(
    args: readonly string[],
    environment: Record<string, string> = {},
    program = "dist/cli.js",
    input?: string | Uint8Array,
  ): Program {
    const server = process.env.SPILLWAY_REDIS_SERVER;
    return new Program(process.execPath, [join(root, program), ...args], {
      folder: root,
      input,
      environment: {
        TMPDIR: temporary,
        ...(server ? { SPILLWAY_REDIS_SERVER: server } : {}),
        ...environment,
      },
    });
  }

  return {
    root,
    temporary: () => temporary,
    start,
    async run(args: readonly string[], environment = {}): Promise<{ code: number | null; output: string }> {
      const program = start(args, environment);
      const { code } = await program.ended;
      return { code, output: program.output };
    },
    async file(text: string, extension = "ts"): Promise<string> {
      const path = join(folder, `file-${++fileCount}.${extension}`);
      await writeFile(path, text);
      return path;
    },
  };
}
