import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Every command of a Redis' append-only file: one file before Redis 7, several in a folder since. */
export async function readAppendOnlyFile(folder: string): Promise<string[][]> {
  const paths = (await readdir(folder, { recursive: true }))
    .filter((path) => /\.incr\.aof$|^appendonly\.aof$/.test(path))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const commands: string[][] = [];
  for (const path of paths) {
    const text = await readFile(join(folder, path), "latin1");
    let at = 0;
    const readCount = (): number => {
      const end = text.indexOf("\r\n", at);
      const count = Number(text.slice(at + 1, end));
      at = end + 2;
      return count;
    };
    while (at < text.length) {
      if (text[at] !== "*") throw new Error(`${path} is not what Redis writes, at ${at}.`);
      commands.push(
        Array.from({ length: readCount() }, () => {
          const length = readCount();
          at += length + 2;
          return text.slice(at - length - 2, at - 2);
        }),
      );
    }
  }
  return commands;
}
