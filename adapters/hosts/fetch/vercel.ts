import type { FetchContext } from "./types.ts";

const contextSymbol = Symbol.for("@vercel/request-context");

/**
 * Vercel's `waitUntil` for the request under way, found where `@vercel/functions` finds it, which does as well:
 * `handle(request, { waitUntil })`. Elsewhere it is an empty context.
 */
export function vercelContext(): FetchContext {
  const holder = (globalThis as { [contextSymbol]?: { get?(): FetchContext | undefined } })[contextSymbol];
  return holder?.get?.() ?? {};
}
