import { ContinuationError, type Hop, readHop, writeHop } from "../../../src/index.ts";
import type { HopEvent } from "./types.ts";

/** What an invocation asks for. */
export type Ask =
  /** A schedule, or someone who presses "Test": begin a chain. */
  | { readonly kind: "tick" }
  /** An earlier drain: go on with its chain. */
  | { readonly kind: "hop"; readonly hop: Hop }
  /** A function URL, API Gateway (v1, v2), or a load balancer. */
  | { readonly kind: "http" };

/**
 * Tells the events of one function apart. Whatever is none of the others is a tick: EventBridge Scheduler sends what it
 * is told to, and rules send `Scheduled Event`. Throws `TypeError` for events that carry messages of another source
 * (SQS, SNS, S3, streams): to take those for a tick would acknowledge, and so lose, what they carry. Throws
 * `ContinuationError` (`hop-malformed`) for a hop that no drain has sent.
 */
export function readEvent(event: unknown): Ask {
  if (!isRecord(event)) return { kind: "tick" };
  if (Array.isArray(event.Records)) {
    throw new TypeError(
      "This function drains a Redis list, and was invoked with Records of another source (SQS, SNS, S3 or a stream), which it would lose. Remove that trigger.",
    );
  }
  if ("spillway" in event) return readHopEvent(event.spillway);
  const { requestContext } = event;
  const isHttp = isRecord(requestContext) && ("http" in requestContext || "elb" in requestContext);
  return { kind: isHttp || typeof event.httpMethod === "string" ? "http" : "tick" };
}

function readHopEvent(given: unknown): Ask {
  const hop = readHop(given);
  if (hop) return { kind: "hop", hop };
  throw new ContinuationError(
    "hop-malformed",
    'The "spillway" of an event must be { list, chainId, hop } as a drain sends it to the next one; leave it out to begin a chain.',
  );
}

export function hopEvent(hop: Hop): HopEvent {
  return { spillway: writeHop(hop) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
