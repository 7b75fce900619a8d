import type { Lifetime } from "./lifetime.ts";
import type { Terminal } from "./terminal.ts";

/** What the command line runs in: a process, or a test. */
export interface Host {
  /** What was typed behind the program's name. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Does the work, says what went wrong, and ends with its code. */
  run(work: (lifetime: Lifetime) => Promise<number>, terminal: Terminal): Promise<void>;
  exit(code: number): never;
}
