import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type BatchHandler, type Handler, OptionError } from "../src/index.ts";
import { show } from "../src/internals.ts";

export interface Handlers {
  readonly handlers: { handler: Handler<unknown> } | { batchHandler: BatchHandler<unknown> };
  /** Rows for a table at the end. */
  readonly summary: (() => unknown) | undefined;
}

/** What a file must hold. */
export const handlerExample =
  "a function as default or handler, (message) => { … message.payload … }, or as batchHandler, (messages) => { … }";

const checkTimeoutMs = 10_000;

/** Loads a module that exports `default` or `handler`, or `batchHandler`. Throws `OptionError` where it does not. */
export async function loadHandlers(file: URL): Promise<Handlers> {
  const path = fileURLToPath(file);
  const refused = (why: string): OptionError =>
    new OptionError("--handler", "a file that loads", `${path}: ${why}`);
  let stuck: (() => void) | undefined;
  // Without this Node would end the process by itself, with a code and a warning of its own.
  const neverLoaded = new Promise<never>((_, reject) => {
    stuck = () => reject(refused("it awaits something that never comes"));
    process.once("beforeExit", stuck);
  });
  const loaded = import(file.href).catch((error: unknown) => {
    throw refused(explain(error, file));
  });
  const module: Record<string, unknown> = await Promise.race([loaded, neverLoaded]);
  if (stuck) process.off("beforeExit", stuck);
  return readHandlers(module, path);
}

/** Finds the handler in a module. Throws `OptionError` where it has none. */
export function readHandlers(module: Readonly<Record<string, unknown>>, name: string): Handlers {
  const summary = typeof module.summary === "function" ? (module.summary as () => unknown) : undefined;
  const handler = module.default ?? module.handler;
  if (typeof handler === "function") return { handlers: { handler: handler as Handler<unknown> }, summary };
  const { batchHandler } = module;
  if (typeof batchHandler === "function") {
    return { handlers: { batchHandler: batchHandler as BatchHandler<unknown> }, summary };
  }
  const found = Object.keys(module).join(", ") || "nothing";
  throw new OptionError(
    "--handler",
    `a file that exports ${handlerExample}`,
    `${name}, which exports ${found}`,
  );
}

/** What is wrong with a module, and in which line. */
function explain(error: unknown, file: URL): string {
  if (!(error instanceof Error)) return `it throws ${show(error)}`;
  if (
    (error as NodeJS.ErrnoException).code === "ERR_UNKNOWN_FILE_EXTENSION" &&
    /\.[cm]?ts$/.test(file.pathname)
  ) {
    return `Node ${process.versions.node} does not run TypeScript; Node 22.18 and newer do`;
  }
  const place =
    placeOf(error.stack ?? "") ?? (error instanceof SyntaxError ? placeOfSyntaxError(file) : undefined);
  return `${error.name}: ${error.message}${place === undefined ? "" : ` at ${place}`}`;
}

/** The first line of a stack, or of what Node prints before one, that is in a file. */
function placeOf(stack: string): string | undefined {
  const match = /^(\S+:\d+)$/m.exec(stack) ?? /(file:\/\/[^\s)]+:\d+):\d+\)?$/m.exec(stack);
  return match?.[1]?.startsWith("file:") ? match[1].replace(/^file:\/\//, "") : match?.[1];
}

/** Node tells the line of a syntax error only to those who let it end their process. Nothing of the file runs there. */
function placeOfSyntaxError(file: URL): string | undefined {
  const args = ["--input-type=module", "--eval", `import ${JSON.stringify(file.href)}`];
  return placeOf(
    spawnSync(process.execPath, args, { encoding: "utf8", timeout: checkTimeoutMs }).stderr ?? "",
  );
}
