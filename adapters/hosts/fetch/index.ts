/** A drain as `(request: Request) => Promise<Response>`: Vercel, Netlify, Deno, Bun, and whatever else serves those. */
export { fetchHandler } from "./handler.ts";
export type { FetchContext, FetchHandlerOptions } from "./types.ts";
export { vercelContext } from "./vercel.ts";
