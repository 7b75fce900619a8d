import { PassThrough, Readable } from "node:stream";
import { codeOf } from "../../cli/lifetime.ts";
import { makeProgram } from "../../cli/program.ts";

/** How the command line ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** Runs the command line in this process, for what needs none of its own: a hundred times as quick. */
export async function runInside(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input: string | Uint8Array = "",
): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = [stdout, stderr].map(async (stream) => Buffer.concat(await stream.toArray()).toString());
  let code = 0;
  const exit = (wanted: number): never => {
    throw new Exit(wanted);
  };
  const host: Parameters<typeof makeProgram>[0] = {
    args,
    environment,
    stdin: Readable.from([Buffer.from(input)]),
    stdout,
    stderr,
    exit,
    async run(work, terminal) {
      const closes: (() => Promise<void>)[] = [];
      const { signal } = new AbortController();
      code = await codeOf(work({ signal, atEnd: (close) => void closes.push(close) }), terminal);
      for (const close of closes.reverse()) await close();
    },
  };
  await makeProgram(host)
    .parseAsync([...args], { from: "user" })
    .catch((error: unknown) => {
      if (!(error instanceof Exit)) throw error;
      code = error.code;
    });
  stdout.end();
  stderr.end();
  const [out = "", wrong = ""] = await Promise.all(texts);
  return { code, stdout: out, stderr: wrong };
}
