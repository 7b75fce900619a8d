import type { Context, MiddlewareHandler } from "hono";
import {
  type ChainPosition,
  ContinuationError,
  type Drain,
  type DrainReport,
  type Hop,
  type ReceiveHop,
} from "../../src/index.ts";
import { copyOf } from "./body.ts";
import { logError } from "./failure.ts";
import { reportAsJson } from "./report.ts";

/** What a route for hops is made of. */
export interface HopRoute {
  readonly drain: Pick<Drain, "list">;
  readonly receiveHop: ReceiveHop;
  readonly run: (chain: ChainPosition) => Promise<DrainReport>;
  /** Whether what does not claim to be a hop may be something else, and goes to the next handler; else it gets 401. */
  readonly takesOthers: boolean;
}

/**
 * Takes hops, the same way in every host. A hop drains, and is answered with 202 at once where the platform gives a
 * `waitUntil`, else with the report when its drain has ended. A call that claims to be a hop gets 401 where it has not
 * proved it, 400 where it has and is malformed, and 503 where that cannot be told now. A hop of another list, since this
 * host has been given a new one, begins a chain of its own.
 */
export function takeHops({ drain, receiveHop, run, takesOthers }: HopRoute): MiddlewareHandler {
  return async (context, next) => {
    let hop: Hop | null;
    // A receiver may read the body of what it does not take.
    const copy = copyOf(context.req.raw);
    try {
      hop = await receiveHop(copy);
    } catch (error) {
      return refusal(context, error);
    }
    if (!hop) {
      return takesOthers ? next() : context.json({ error: "This call has not proved to be a hop." }, 401);
    }
    const running = run(hop.list === drain.list ? hop.chain : newChain());
    const platform = executionOf(context);
    if (!platform) return context.json(reportAsJson(await running));
    // Nobody waits for it any more who could be told of a failure; the report has been.
    platform.waitUntil(running.catch((error: unknown) => logError("a hop could not drain.", error)));
    return context.json({ status: "started" }, 202);
  };
}

/** A place for a drain that a tick or a call begins. */
export function newChain(): ChainPosition {
  return { id: crypto.randomUUID(), hop: 0 };
}

function refusal(context: Context, error: unknown): Response {
  if (error instanceof ContinuationError) {
    if (error.code === "hop-unproven") return context.json({ error: error.message }, 401);
    if (error.code === "hop-malformed") return context.json({ error: error.message }, 400);
  }
  logError("receiveHop threw; the call is refused.", error);
  return context.json({ error: "It cannot be told now whether this call is a hop." }, 503);
}

/** What holds a function alive after its answer, where the platform has given it; Hono's own getter throws without it. */
export function executionOf(context: Context): { waitUntil(promise: Promise<unknown>): void } | null {
  try {
    return context.executionCtx;
  } catch {
    return null;
  }
}
