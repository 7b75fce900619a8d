import {
  type ChainPosition,
  ContinuationError,
  type Drain,
  type DrainReport,
  type Hop,
  type ReceiveHop,
} from "../../src/index.ts";
import { copyOf } from "./body.ts";
import type { Answering } from "./call.ts";
import { logError } from "./failure.ts";
import { problem } from "./problem.ts";
import { reportAsJson } from "./report.ts";

/** What a route for hops is made of. */
export interface HopRoute {
  readonly drain: Pick<Drain, "list">;
  readonly receiveHop: ReceiveHop;
  readonly run: (chain: ChainPosition) => Promise<DrainReport>;
  /** Whether what does not claim to be a hop may be something else, and is left to the next; else it gets 401. */
  readonly takesOthers: boolean;
}

/**
 * Takes hops, the same way in every host. A hop drains, and is answered with 202 at once where the platform gives a
 * `waitUntil`, else with the report when its drain has ended. A call that claims to be a hop gets 401 where it has not
 * proved it, 400 where it has and is malformed, and 503 where that cannot be told now. A hop of another list, since this
 * host has been given a new one, begins a chain of its own.
 */
export function takeHops({ drain, receiveHop, run, takesOthers }: HopRoute): Answering {
  return async ({ request, waitUntil }) => {
    let hop: Hop | null;
    // A receiver may read the body of what it does not take.
    const copy = copyOf(request);
    try {
      hop = await receiveHop(copy);
      // A verdict, such as { ok: false }, must not let anyone in.
      if (hop && !hop.chain) throw new TypeError("It gave no hop.");
    } catch (error) {
      return refusal(error);
    }
    if (!hop) {
      return takesOthers ? null : problem(401, "This call has not proved to be a hop.");
    }
    const running = run(hop.list === drain.list ? hop.chain : newChain());
    if (!waitUntil) return Response.json(reportAsJson(await running));
    // Nobody waits for it any more who could be told of a failure; the report has been.
    const told = running.catch((error: unknown) => logError("a hop could not drain.", error));
    try {
      waitUntil(told);
    } catch (error) {
      logError("the platform's waitUntil threw, so the hop waits for its drain.", error);
      await told;
    }
    return Response.json({ status: "started" }, { status: 202 });
  };
}

/** A place for a drain that a tick or a call begins. */
export function newChain(): ChainPosition {
  return { id: crypto.randomUUID(), hop: 0 };
}

function refusal(error: unknown): Response {
  if (error instanceof ContinuationError) {
    if (error.code === "hop-unproven") return problem(401, error.message);
    if (error.code === "hop-malformed") return problem(400, error.message);
  }
  logError("receiveHop threw; the call is refused.", error);
  return problem(503, "It cannot be told now whether this call is a hop.");
}
