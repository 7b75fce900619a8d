import type { ChainPosition } from "../../../src/index.ts";
import type { HopEvent } from "./types.ts";

/** What an invocation asks for. */
export type Ask =
  /** A schedule, or someone who presses "Test": begin a chain. */
  | { readonly kind: "tick" }
  /** An earlier drain: go on with its chain. */
  | { readonly kind: "hop"; readonly list: string; readonly chain: ChainPosition }
  /** A function URL, API Gateway (v1, v2), or a load balancer. */
  | { readonly kind: "http" };

const idCharsMax = 200;

/**
 * Tells the events of one function apart. Whatever is none of the others is a tick: EventBridge Scheduler sends what it
 * is told to, and rules send `Scheduled Event`. Throws `TypeError` for events that carry messages of another source
 * (SQS, SNS, S3, streams): to take those for a tick would acknowledge, and so lose, what they carry.
 */
export function readEvent(event: unknown): Ask {
  if (!isRecord(event)) return { kind: "tick" };
  if (Array.isArray(event.Records)) {
    throw new TypeError(
      "This function drains a Redis list, and was invoked with Records of another source (SQS, SNS, S3 or a stream), which it would lose. Remove that trigger.",
    );
  }
  if ("spillway" in event) return readHop(event.spillway);
  const { requestContext } = event;
  const isHttp = isRecord(requestContext) && ("http" in requestContext || "elb" in requestContext);
  return { kind: isHttp || typeof event.httpMethod === "string" ? "http" : "tick" };
}

function readHop(hop: unknown): Ask {
  const { list, chainId, hop: count } = isRecord(hop) ? hop : ({} as Record<string, unknown>);
  const isHop =
    typeof list === "string" &&
    typeof chainId === "string" &&
    chainId.length <= idCharsMax &&
    typeof count === "number" &&
    Number.isSafeInteger(count) &&
    count >= 1;
  if (!isHop) {
    throw new TypeError(
      'The "spillway" of an event must be { list, chainId, hop } as a drain sends it to the next one; leave it out to begin a chain.',
    );
  }
  return { kind: "hop", list, chain: { id: chainId, hop: count } };
}

export function hopEvent(list: string, chain: ChainPosition): HopEvent {
  return { spillway: { list, chainId: chain.id, hop: chain.hop } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
