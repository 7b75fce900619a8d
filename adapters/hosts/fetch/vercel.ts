import type { FetchContext } from "./types.ts";

const contextSymbol = Symbol.for("@vercel/request-context");

/**
 * Vercel's `waitUntil` for the present request, from where `@vercel/functions` takes it too. Elsewhere it is an empty context.
 */
export function vercelContext(): FetchContext {
  const holder = (globalThis as { [contextSymbol]?: { get?(): FetchContext | undefined } })[contextSymbol];
  return holder?.get?.() ?? {};
}
