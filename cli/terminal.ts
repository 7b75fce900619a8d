import { stripVTControlCharacters, styleText } from "node:util";
import type { Host } from "./host.ts";
import { visible, visibleJson, visibleLines } from "./safe-text.ts";
import { secretsOf, withoutSecrets } from "./secrets.ts";

/** What a text is, for its colour, which only terminals get: `NO_COLOR` and `FORCE_COLOR` are heeded. */
export type Tone = "good" | "bad" | "doubtful" | "faint" | "strong";

const formats = {
  good: "green",
  bad: "red",
  doubtful: "yellow",
  faint: "dim",
  strong: "bold",
} as const;

/** What a command prints, for people or as JSON. */
export class Terminal {
  /** Whether the result is printed as JSON, on one line, and nothing else goes to the standard output. */
  readonly isJson: boolean;
  readonly host: Host;

  constructor(host: Host, isJson: boolean) {
    this.host = host;
    this.isJson = isJson;
  }

  /** Whether a person looks at what is printed. */
  get isWatched(): boolean {
    return this.host.stdout.isTTY === true && !this.isJson;
  }

  /** Whether a person can be asked. */
  get canAsk(): boolean {
    return this.host.stdin.isTTY === true && this.host.stderr.isTTY === true && !this.isJson;
  }

  /** Prints a result in the form that is wanted. Texts of strangers in `lines` must have gone through `visible`. */
  show(json: unknown, lines: readonly string[]): void {
    if (this.isJson) this.#print(visibleJson(json));
    else for (const line of lines) this.#print(line);
  }

  /** Tells people something beside the result. */
  say(line: string): void {
    if (!this.isJson) this.#print(line);
  }

  /** Says what went wrong, on the standard error, without a secret. `code` names it for programs. */
  fail(message: string, code: string): void {
    const safe = withoutSecrets(message, secretsOf(this.host.args, this.host.environment));
    const line = this.isJson
      ? visibleJson({ error: { code, message: safe } })
      : `${styleText("red", "error:", { stream: this.host.stderr })} ${visibleLines(safe)}`;
    this.host.stderr.write(`${line}\n`);
  }

  /** The text in its colour, where the standard output is a terminal. */
  toned(text: string, tone: Tone): string {
    return styleText(formats[tone], text, { stream: this.host.stdout });
  }

  #print(line: string): void {
    this.host.stdout.write(`${line}\n`);
  }
}

/** Lines of columns, each as wide as its widest cell. Texts of strangers in them must have gone through `visible`. */
export function columns(rows: readonly (readonly (string | number)[])[]): string[] {
  const texts = rows.map((row) => row.map(String));
  const widths: number[] = [];
  for (const row of texts) {
    for (const [at, text] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, widthOf(text));
  }
  return texts.map((row) =>
    row
      .map((text, at) =>
        at === row.length - 1 ? text : text + " ".repeat((widths[at] ?? 0) - widthOf(text)),
      )
      .join("  ")
      .trimEnd(),
  );
}

/** A row for each field, names first. */
export function fields(entries: Readonly<Record<string, string | number | boolean | null>>): string[] {
  const rows = Object.entries(entries).map(([name, value]) => [
    `  ${name}`,
    visible(value === null ? "-" : String(value)),
  ]);
  return columns(rows);
}

/** How many rows of a terminal that wide the lines take: a longer line is wrapped. */
export function rowCount(lines: readonly string[], width: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / width)), 0);
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
