import { ContinuationError, type Hop, readHop, writeHop } from "../../../src/index.ts";
import { nameOfEvent } from "./foreign-events.ts";
import { readHttpEvent } from "./http-events.ts";
import type { HopEvent } from "./types.ts";

/** What an invocation asks for. */
export type Ask =
  /** A schedule, or someone who presses "Test": begin a chain. */
  | { readonly kind: "tick" }
  /** An earlier drain: go on with its chain. */
  | { readonly kind: "hop"; readonly hop: Hop }
  /** An HTTP request, as the event that Hono reads. */
  | { readonly kind: "http"; readonly event: object };

/** The fields that EventBridge puts around an event. Source: EventBridge User Guide, "Event structure". */
const envelope = [
  "version",
  "id",
  "detail-type",
  "source",
  "account",
  "time",
  "region",
  "resources",
  "detail",
];
const scheduled: Readonly<Record<string, readonly unknown[]>> = {
  source: ["aws.events", "aws.scheduler"],
  "detail-type": ["Scheduled Event"],
};

/**
 * Tells the events of the function apart, each by its own shape. Any other event throws `TypeError`, which names its source and shows
 * none of its content: taking it for a tick would report success and lose the event. Throws `ContinuationError` (`hop-malformed`) for
 * a hop that no drain has sent.
 */
export function readEvent(event: unknown): Ask {
  if (isRecord(event)) {
    if (isTick(event)) return { kind: "tick" };
    const hop = readHopEvent(event);
    if (hop) return { kind: "hop", hop };
    const http = readHttpEvent(event);
    if (http) return { kind: "http", event: http };
  }
  throw new TypeError(
    `This function drains a Redis list, and was invoked with ${nameOfEvent(event)}, which it would lose. It takes HTTP requests, schedules without an input of their own, and {"spillway":"tick"}. Give the schedule that input, or remove the trigger.`,
  );
}

/** `{}`, `{"spillway":"tick"}`, and what a rule or EventBridge Scheduler sends where no input was set. */
function isTick(event: Record<string, unknown>): boolean {
  const names = Object.keys(event);
  if (names.length === 0) return true;
  if (event.spillway === "tick") return names.length === 1;
  const { detail = {} } = event;
  // EventBridge Scheduler sends the detail as a text.
  const carriesNothing = detail === "{}" || (isRecord(detail) && Object.keys(detail).length === 0);
  const told = Object.keys(scheduled).filter((name) => Object.hasOwn(event, name));
  const isScheduled = told.length > 0 && told.every((name) => scheduled[name]?.includes(event[name]));
  return isScheduled && carriesNothing && names.every((name) => envelope.includes(name));
}

/** Reads only what `hopEvent` makes. With any other field beside it, it is another event, such as a caller's body. */
function readHopEvent(event: Record<string, unknown>): Hop | null {
  if (!Object.hasOwn(event, "spillway") || Object.keys(event).length > 1) return null;
  const hop = readHop(event.spillway);
  if (hop && Object.keys(event.spillway as object).length === Object.keys(writeHop(hop)).length) return hop;
  throw new ContinuationError(
    "hop-malformed",
    'The "spillway" of an event must be { list, chainId, hop } as a drain sends it to the next one, or "tick" to begin a chain.',
  );
}

export function hopEvent(hop: Hop): HopEvent {
  return { spillway: writeHop(hop) };
}

/** Whether it is an object of names and values, and no array. */
function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
