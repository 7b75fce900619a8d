import type { Hono } from "hono";
import { createHttpApp, operations } from "../../adapters/http/index.ts";
import { dashboard } from "../../adapters/ui/index.ts";
import type { Drain } from "../../src/index.ts";

/** What `spillway dev` serves beside the REST server: the API of one drain, and its dashboard at `/ui`. */
export function devApp(drain: Drain, token: string): Hono {
  const run = async (): Promise<never> => {
    throw new Error("The worker of `spillway dev` drains by itself.");
  };
  const tokens = [{ token, scopes: ["read", "operate"] as const }];
  return createHttpApp({ ...drain, run }, { tokens, routes: [operations(), dashboard()] });
}
