import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { OptionError } from "../src/index.ts";

/** Longest line, bytes. Reason: it is held in memory, and no Redis service takes a larger value by default. */
const lineBytesMax = 100 * 1024 * 1024;
const newline = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = [0xef, 0xbb, 0xbf];

/** Where lines are read from, and how far that is. */
export interface Lines {
  readonly lines: AsyncIterable<Uint8Array>;
  /** What part of it has been read, from 0 to 1; null where its end is not known. */
  part(): number | null;
}

/** The lines of a file, to the byte. Throws `OptionError` where it cannot be read. */
export async function linesOfFile(path: string): Promise<Lines> {
  const refuse = (error: NodeJS.ErrnoException): never => {
    throw new OptionError("--file", "a file that can be read", `an error (${error.code ?? error.name})`);
  };
  const found = await stat(path).catch(refuse);
  if (found.isDirectory()) throw new OptionError("--file", "a file that can be read", "a folder");
  const stream = createReadStream(path);
  await new Promise<void>((resolve, reject) => {
    stream.once("open", () => resolve());
    stream.once("error", reject);
  }).catch(refuse);
  return {
    lines: splitLines(stream),
    part: () => (found.size > 0 ? Math.min(1, stream.bytesRead / found.size) : null),
  };
}

/** Lines end with LF or CR LF. Empty ones are none, and a byte order mark at the beginning is no part of the first. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let heldBytes = 0;
  let count = 0;
  const take = (last: Uint8Array): Uint8Array => {
    const line = pieces.length > 0 ? Buffer.concat([...pieces, last]) : last;
    pieces = [];
    heldBytes = 0;
    count += 1;
    const start = count === 1 && byteOrderMark.every((byte, at) => line[at] === byte) ? 3 : 0;
    return line.subarray(start, line.at(-1) === carriageReturn ? -1 : undefined);
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const line = take(chunk.subarray(start, end));
      if (line.length > 0) yield line;
      start = end + 1;
    }
    pieces.push(chunk.subarray(start));
    heldBytes += chunk.length - start;
    if (heldBytes > lineBytesMax) {
      throw new OptionError("lines", `at most ${lineBytesMax} bytes long`, `a longer one, line ${count + 1}`);
    }
  }
  const line = take(new Uint8Array());
  if (line.length > 0) yield line;
}
