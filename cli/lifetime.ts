import { OptionError, SpillwayError } from "../src/index.ts";
import type { Terminal } from "./terminal.ts";

/** After being told to end, so long may what is under way take before the process ends without it. */
const graceMs = 10_000;
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A command cannot go on. The message says why and what to do, so no stack is shown. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What a command is given: when to end, and where to say what must be closed. */
export interface Lifetime {
  /**
   * Aborted when the process is told to end: by a signal, or because the process that forked it is gone. Who reads it has a
   * grace to end in; a command that has not is ended at once.
   */
  readonly signal: AbortSignal;
  /** What is opened last is closed first. */
  atEnd(close: () => Promise<void>): void;
}

/**
 * Runs a command and ends the process with its code, however it ends: what it opened is closed, within a grace. A second
 * signal ends it at once. What must go even then hangs on the process' own `exit`.
 */
export async function runToEnd(
  command: (lifetime: Lifetime) => Promise<number>,
  terminal: Terminal,
): Promise<never> {
  const controller = new AbortController();
  const closes: (() => Promise<void>)[] = [];
  let isHeeded = false;
  const told = (): void => {
    if (controller.signal.aborted || !isHeeded) process.exit(1);
    setTimeout(() => process.exit(1), graceMs).unref();
    controller.abort();
  };
  for (const signal of signals) process.on(signal, told);
  process.once("disconnect", told);
  const crashed = new Promise<never>((_, reject) => {
    process.once("uncaughtException", reject);
  });
  const lifetime: Lifetime = {
    get signal() {
      isHeeded = true;
      return controller.signal;
    },
    atEnd: (close) => void closes.push(close),
  };
  const code = await codeOf(Promise.race([command(lifetime), crashed]), terminal);
  setTimeout(() => process.exit(code), graceMs).unref();
  for (const close of closes.reverse()) await close().catch(() => undefined);
  // That a result could not be written is told after what runs now.
  await new Promise((resolve) => setImmediate(resolve));
  // Timers and sockets of a handler would keep it alive.
  process.exit(code);
}

/** The exit code of work, once what went wrong has been said. */
export async function codeOf(work: Promise<number>, terminal: Terminal): Promise<number> {
  return work.catch((error: unknown) => explain(error, terminal));
}

/** Says what went wrong. The code is 2 where the command was called wrongly, and 1 otherwise. */
function explain(error: unknown, terminal: Terminal): number {
  const { code: nodeCode, port } = (error ?? {}) as { readonly code?: unknown; readonly port?: unknown };
  if (nodeCode === "EADDRINUSE") {
    terminal.fail(
      `port ${port} is taken: end what uses it, or give another (--help shows how)`,
      "port-taken",
    );
  } else if (error instanceof SpillwayError) {
    const { message, code, cause } = error;
    terminal.fail(cause instanceof SpillwayError ? `${message} ${cause.message}` : message, code);
  } else if (error instanceof CommandError) terminal.fail(error.message, error.code);
  else terminal.fail(error instanceof Error ? (error.stack ?? error.message) : String(error), "unknown");
  return error instanceof OptionError ? 2 : 1;
}
