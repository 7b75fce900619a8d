import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { makeProgram, withDescendants } from "../cli/program.ts";

/** Prints the help of every command into `docs/cli.md`: `npm run docs:cli`. */
const path = join(import.meta.dirname, "../docs/cli.md");
const marked = /(<!-- the help of every command -->\n)[\s\S]*?(<!-- end of the help -->)/;

export function readReference(): string {
  return readFileSync(path, "utf8");
}

/** The text with the help of every command as it is now. */
export function withHelp(text: string): string {
  const stdout = new PassThrough();
  const run = async (): Promise<void> => undefined;
  const exit = (): never => {
    throw new Error("No command runs here.");
  };
  const host = { args: [], environment: {}, stdin: stdout, stdout, stderr: stdout, run, exit };
  const sections = withDescendants(makeProgram(host)).flatMap((command) => {
    const names: string[] = [];
    for (let one = command; one; one = one.parent as typeof command) names.unshift(one.name());
    if (/ (help|complete)$/.test(names.join(" "))) return [];
    command.outputHelp();
    const help = String(stdout.read() ?? "").trimEnd();
    return [`### ${names.join(" ")}\n\n\`\`\`text\n${help}\n\`\`\`\n`];
  });
  return text.replace(marked, (_, start: string, end: string) => `${start}\n${sections.join("\n")}\n${end}`);
}

if (import.meta.main) writeFileSync(path, withHelp(readReference()));
