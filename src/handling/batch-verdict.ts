import { SpillwayError } from "../errors.ts";
import * as limits from "../limits.ts";
import { asError, isError, isThenable, peek, whenSettled } from "./guest.ts";
import type { Message } from "./message.ts";
import { isHandlerOutcome, withEffects } from "./outcome.ts";
import {
  firstOf,
  insideOf,
  isArray,
  isMeant,
  isMeantInside,
  isRejected,
  lookAlike,
  readVerdict,
  type Verdict,
} from "./verdict.ts";

/** What a batch handler said about one message: a value or a promise, and whether it named the message as failed. */
export interface Said {
  readonly value: unknown;
  readonly isNamed: boolean;
}

/**
 * Sorts what a batch handler returned by message. Throws a `SpillwayError` where that cannot be done, which fails all of them;
 * promises in it are then awaited, so that none rejects unhandled.
 */
export function sortOut(returned: unknown, messages: readonly Message[]): readonly Said[] {
  try {
    return sort(returned, new Set(messages));
  } catch (error) {
    lookAfter(returned);
    throw error;
  }
}

/** What was said about one message, as a verdict. A message that was named as failed is never done. */
export function readSaid({ isNamed }: Said, value: unknown): Verdict {
  const verdict = readVerdict(value);
  if (!isNamed || verdict.kind !== "done") return verdict;
  return {
    kind: "failed",
    error:
      typeof value === "string"
        ? value
        : new SpillwayError("batch-outcomes", "The batch handler named this message as failed."),
  };
}

function sort(returned: unknown, messages: ReadonlySet<unknown>): readonly Said[] {
  const all = (value: unknown): readonly Said[] => Array.from(messages, () => ({ value, isNamed: false }));
  // It does not say whether the effects are to run once or for each message.
  if (isHandlerOutcome(returned) && peek(returned, "outcome") === withEffects) {
    throw strange("one ack with effects for all messages");
  }
  if (isHandlerOutcome(returned) || isError(returned) || isRejected(returned)) return all(returned);
  if (isArray(returned)) return sortArray(returned, messages);
  if (typeof returned === "object" && returned !== null) {
    if (peek(returned, "batchItemFailures") === undefined && hasFailed(returned)) {
      return sortFailed(peek(returned, "failed"), messages);
    }
    const kind = returned instanceof Map ? "a Map" : returned instanceof Set ? "a Set" : null;
    const means = kind === null ? isMeantInside : isMeant;
    if (insideOf(returned).some((one) => means(one) || messages.has(one))) {
      throw strange(kind === null ? "an object with messages or verdicts in it" : `${kind} by itself`);
    }
  }
  const like = lookAlike(returned);
  if (like !== null) throw strange(like);
  return all(undefined);
}

function sortArray(returned: readonly unknown[], messages: ReadonlySet<unknown>): readonly Said[] {
  const values = firstOf(returned, readElement);
  if (values.some((value) => messages.has(value))) {
    throw strange("an array of messages, which does not say whether they are done");
  }
  if (returned.length === messages.size) return values.map((value) => ({ value, isNamed: false }));
  if (values.some(isMeant) || insideOf(values).some(isMeantInside))
    throw strange(`${returned.length} outcomes for ${messages.size} messages`);
  return Array.from(messages, () => ({ value: undefined, isNamed: false }));
}

/** As awaiting it would: what cannot be asked whether it is a promise counts as an error. */
function readElement(values: unknown, at: PropertyKey): unknown {
  try {
    const value = (values as Record<PropertyKey, { then?: unknown } | undefined>)[at];
    void value?.then;
    return value;
  } catch (error) {
    return asError(error);
  }
}

function sortFailed(failed: unknown, messages: ReadonlySet<unknown>): readonly Said[] {
  const named = readFailed(failed);
  for (const message of named.keys()) {
    if (!messages.has(message)) throw strange("{ failed } with what is no message of the batch");
  }
  return Array.from(messages, (message) => ({ value: named.get(message), isNamed: named.has(message) }));
}

function readFailed(failed: unknown): ReadonlyMap<unknown, unknown> {
  if (failed instanceof Map) return failed;
  const isIterable = typeof failed === "object" && typeof peek(failed, Symbol.iterator) === "function";
  if (!isIterable) throw strange("{ failed } that is no array, other iterable or Map of messages");
  return new Map(bounded(failed as Iterable<unknown>).map((message) => [message, undefined]));
}

function hasFailed(returned: object): boolean {
  return "failed" in returned;
}

/** The elements of an iterable, which may be endless. */
function bounded(values: Iterable<unknown>): unknown[] {
  const found: unknown[] = [];
  for (const value of values) {
    found.push(value);
    if (found.length >= limits.verdictCountMax) break;
  }
  return found;
}

function lookAfter(returned: unknown): void {
  for (const one of insideOf(returned)) if (isThenable(one)) void whenSettled(one);
}

function strange(what: string): SpillwayError {
  return new SpillwayError(
    "batch-outcomes",
    `The batch handler returned ${what}. It must return nothing, one outcome, an array with one for each message, or { failed }. All messages of this call have failed.`,
  );
}
