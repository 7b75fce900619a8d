import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type BatchHandler, type Handler, OptionError } from "../src/index.ts";

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
  const module: Record<string, unknown> = await import(file.href).catch((error: unknown) => {
    throw new OptionError(
      "--handler",
      "a file that loads",
      `${fileURLToPath(file)}: ${explain(error, file)}`,
    );
  });
  return readHandlers(module, fileURLToPath(file));
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
  if (!(error instanceof Error)) return String(error);
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
