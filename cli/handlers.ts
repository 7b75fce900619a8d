import { type BatchHandler, type Handler, OptionError } from "../src/index.ts";

export interface Handlers {
  readonly forDrain: { handler: Handler<unknown> } | { batchHandler: BatchHandler<unknown> };
  /** Rows for a table at the end. */
  readonly summary: (() => unknown) | undefined;
}

/** Loads a module that exports `default` or `handler`, or `batchHandler`. Throws `OptionError` where it does not. */
export async function loadHandlers(file: URL): Promise<Handlers> {
  const module = (await import(file.href).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OptionError("handler", "a module that loads", `${file.pathname}: ${reason}`);
  })) as Record<string, unknown>;
  const summary = typeof module.summary === "function" ? (module.summary as () => unknown) : undefined;
  const handler = module.default ?? module.handler;
  if (typeof handler === "function") return { forDrain: { handler: handler as Handler<unknown> }, summary };
  const { batchHandler } = module;
  if (typeof batchHandler === "function") {
    return { forDrain: { batchHandler: batchHandler as BatchHandler<unknown> }, summary };
  }
  throw new OptionError(
    "handler",
    "a module that exports default, handler or batchHandler as a function",
    file.pathname,
  );
}
