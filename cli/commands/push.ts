import { addAbortSignal, type Readable } from "node:stream";
import { Command } from "commander";
import { OptionError, type PushOptions } from "../../src/index.ts";
import { type ConnectionOptions, type ListOptions, openDrain, withList } from "../connection.ts";
import { counted } from "../counts.ts";
import type { Host } from "../host.ts";
import { type Lines, linesOfFile, splitLines } from "../lines.ts";
import { ProgressLine } from "../progress.ts";
import { visible } from "../safe-text.ts";
import { doing, type Session, withExamples } from "../session.ts";
import { readMoment, wholeNumber } from "../values.ts";

interface PushCommandOptions extends ConnectionOptions, ListOptions {
  readonly file?: string;
  readonly checkJson?: boolean;
  readonly delayMs?: number;
  readonly at?: number;
  readonly next?: boolean;
}

export function pushCommand(host: Host): Command {
  const command = withList(new Command("push").argument("<list>").argument("[payloads...]"))
    .description(
      "push messages to a list: each argument is one, or each line of a file or of the standard input",
    )
    .option("--file <file>", "push the lines of this file, such as NDJSON; - is the standard input")
    .option("--check-json", "end at the first message that is no JSON")
    .option("--delay-ms <ms>", "they are due so many ms from now", wholeNumber(0, 31_536_000_000))
    .option("--at <moment>", "they are due at this moment: a date, or epoch ms", readMoment)
    .option("--next", "they are the next to be claimed, before all that wait");
  withExamples(command, [
    [`spillway push emails '{"to":"a@example.org"}'`, "one message"],
    ["spillway push emails --file messages.ndjson", "one for each line that is not empty"],
    ["cat messages.ndjson | spillway push emails", "the same"],
    ["spillway push emails --delay-ms 60000 hello", "due in a minute"],
  ]);
  return doing<[string, string[]], PushCommandOptions>(
    host,
    command,
    async (session, options, list, payloads) => {
      const { terminal } = session;
      const { signal } = session.lifetime;
      const source = await readSource(session, options, payloads);
      const drain = await openDrain(list, options, session);
      const progress = new ProgressLine(terminal);
      let count = 0;
      const passing = async function* (): AsyncGenerator<Uint8Array> {
        try {
          for await (const line of source.lines) {
            if (signal.aborted) return;
            count += 1;
            if (options.checkJson) checkJson(line, count);
            progress.show(() => pushLine(count, source.part()));
            yield line;
          }
        } catch (error) {
          // Told to end, it reads no more, and pushes what it has read.
          if (!signal.aborted) throw error;
        }
        if (count === 0 && !signal.aborted) throw new OptionError("payloads", "at least one message", "none");
      };
      const result = await drain.push(passing(), pushOptions(options)).finally(() => progress.end());
      const { pushed, length } = result;
      const where = length === null ? "" : ` It holds ${length} now.`;
      terminal.show({ list, pushed, length }, [
        `Pushed ${counted(pushed, "message")} to "${visible(list)}".${where}`,
      ]);
      return signal.aborted ? 1 : 0;
    },
  );
}

function pushOptions({ delayMs, at, next }: PushCommandOptions): PushOptions {
  return {
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(at === undefined ? {} : { at }),
    ...(next ? { priority: "next" } : {}),
  };
}

/** What is to be pushed. Throws `OptionError` where that is nothing, or two things. */
async function readSource(
  { host, lifetime }: Session,
  { file }: PushCommandOptions,
  payloads: readonly string[],
): Promise<Lines> {
  if (payloads.length > 0 && file !== undefined) {
    throw new OptionError("--file", "left out where messages are given as arguments", "both");
  }
  if (payloads.length > 0) return { lines: encoded(payloads), part: () => null };
  if (file !== undefined && file !== "-") return linesOfFile(file);
  if (file === undefined && host.stdin.isTTY) {
    throw new OptionError("payloads", "given as arguments, by --file, or on the standard input", "none");
  }
  const input = addAbortSignal(lifetime.signal, host.stdin as Readable);
  return { lines: splitLines(input), part: () => null };
}

async function* encoded(payloads: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const payload of payloads) yield new TextEncoder().encode(payload);
}

function checkJson(line: Uint8Array, number: number): void {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line));
  } catch {
    throw new OptionError("messages", "JSON with --check-json", `something else as message ${number}`);
  }
}

function pushLine(count: number, part: number | null): string {
  const bar =
    part === null ? "" : `[${"#".repeat(Math.round(part * 30)).padEnd(30)}] ${Math.round(part * 100)} %  `;
  return `  ${bar}${counted(count, "message")}`;
}
