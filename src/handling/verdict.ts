import { SpillwayError } from "../errors.ts";
import * as limits from "../limits.ts";
import { attempt } from "../options/show.ts";
import { isA, isError, isThenable, peek, textOf } from "./guest.ts";
import { type HandlerOutcome, isHandlerOutcome, withEffects } from "./outcome.ts";

/** What a handler meant by what it returned. */
export type Verdict =
  | { readonly kind: "done" }
  | { readonly kind: "said"; readonly said: HandlerOutcome }
  | { readonly kind: "failed"; readonly error: unknown };

const done: Verdict = { kind: "done" };
const words: readonly unknown[] = ["ack", withEffects, "release", "retry", "dead-letter"];

/**
 * What a handler's return value means for its message. An outcome is taken as it is, an error counts as thrown, and a plain
 * result (a row, a response, a number, `true` or `false`) means done. A value that only looks like a verdict, or a result that
 * holds an outcome or an error, fails the message: taken for done, the message would be lost. Never throws.
 */
export function readVerdict(returned: unknown): Verdict {
  if (returned === undefined || returned === null) return done;
  if (isHandlerOutcome(returned)) {
    if (words.includes(peek(returned, "outcome"))) return { kind: "said", said: returned };
    return strange(`an outcome of another version ("${textOf(peek(returned, "outcome"), 40)}")`);
  }
  if (isError(returned)) return { kind: "failed", error: returned };
  if (isRejected(returned)) return { kind: "failed", error: peek(returned, "reason") };
  const inside = peek(returned, "value");
  if (isFulfilled(returned) && !isFulfilled(inside)) return readVerdict(inside);
  const like = lookAlike(returned);
  if (like !== null) return strange(like);
  const meant =
    (isArray(returned) ? firstOf(returned).find(isMeant) : undefined) ??
    insideOf(returned).find(isMeantInside);
  if (meant === undefined) return done;
  if (isError(meant)) return { kind: "failed", error: meant };
  if (isRejected(meant)) return { kind: "failed", error: peek(meant, "reason") };
  return strange(`${isArray(returned) ? "an array" : "an object"} with verdicts in it`);
}

/** What of a return value is to be waited for, its verdicts included; null where nothing in it is a promise. */
export function promisesIn(returned: unknown): unknown[] | null {
  const first = isArray(returned) ? firstOf(returned) : [];
  const meant = first.some(isThenable) ? first : insideOf(returned).filter(isMeantInside);
  return meant.some(isThenable) ? meant : null;
}

/**
 * What stands in arrays, Sets, Maps and plain objects, and in those of them that stand there. Rows and responses are of this
 * kind too: what they hold is no verdict, unless it can be nothing else, as `isMeantInside` says.
 */
export function insideOf(value: unknown): unknown[] {
  const found: unknown[] = [];
  const add = (from: unknown, depth: number): void => {
    for (const one of elementsOf(from)) {
      if (found.length >= limits.verdictCountMax) return;
      found.push(one);
      if (depth > 1) add(one, depth - 1);
    }
  };
  add(value, limits.verdictDepthMax);
  return found;
}

function elementsOf(value: unknown): unknown[] {
  if (isArray(value)) return firstOf(value);
  if (isA(value, Map) || isA(value, Set)) return firstOf([...value.keys(), ...value.values()]);
  const isPlain = isObject(value) && !isHandlerOutcome(value) && attempt(() => isPlainPrototype(value));
  return (isPlain && attempt(() => Object.values(value))) || [];
}

function isPlainPrototype(value: object): boolean {
  return [Object.prototype, null].includes(Object.getPrototypeOf(value));
}

/** Whether something was meant by what stands inside of a result. Texts and functions stand in any. */
export function isMeantInside(value: unknown): boolean {
  return isHandlerOutcome(value) || isError(value) || isRejected(value) || isThenable(value);
}

/** Describes a value that only looks like a verdict; null for a plain result. */
export function lookAlike(value: unknown): string | null {
  if (typeof value === "function") return "a function, perhaps one that was to be called, as in retry()";
  if (typeof value === "string") {
    return [...words, "deadLetter"].includes(value) ? `the text "${value}"` : null;
  }
  if (typeof value !== "object" || value === null) return null;
  if (typeof peek(value, "next") === "function") return "a generator, whose code has not run";
  if (peek(value, "batchItemFailures") !== undefined) return "{ batchItemFailures }, which is of SQS";
  const outcome = peek(value, "outcome");
  if (words.includes(outcome))
    return `an object with outcome: "${outcome}" that no function of Spillway made`;
  if (namesFailed(peek(value, "failed"))) return "{ failed }, which is for batch handlers";
  return null;
}

/** Whether a value was meant as a verdict, understood or not, and so is no plain result. */
export function isMeant(value: unknown): boolean {
  return (
    isMeantInside(value) ||
    lookAlike(value) !== null ||
    (isFulfilled(value) && !isFulfilled(peek(value, "value")) && isMeant(peek(value, "value")))
  );
}

/** A rejection as `Promise.allSettled` gives it. A database row with a column `status` has other columns too. */
export function isRejected(value: unknown): boolean {
  return peek(value, "status") === "rejected" && (hasKey(value, "reason") || keyCount(value) === 1);
}

function isFulfilled(value: unknown): boolean {
  return peek(value, "status") === "fulfilled" && hasKey(value, "value");
}

/** The error for a verdict that is not understood. */
function strangeVerdict(what: string): SpillwayError {
  return new SpillwayError(
    "handler-outcome",
    `The handler returned ${what}, so the message has failed. Return nothing where it is done, or an outcome of "spillway": ack, release, retry(…), deadLetter(…).`,
  );
}

/** Whether it is an array. A revoked proxy of one is not. */
export function isArray(value: unknown): value is readonly unknown[] {
  return attempt(() => Array.isArray(value)) === true;
}

/** The first elements, also of a hostile or sparse array. */
export function firstOf(values: readonly unknown[], read: typeof peek = peek): unknown[] {
  const count = Math.min(Number(peek(values, "length")) || 0, limits.verdictCountMax);
  return Array.from({ length: count }, (_, at) => read(values, at));
}

/** Whether `failed` names messages: a number is a count, and an empty list names none. */
function namesFailed(failed: unknown): boolean {
  if (isArray(failed)) return failed.length > 0;
  return failed === true || (typeof failed === "string" && failed !== "") || isObject(failed);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function hasKey(value: unknown, key: string): boolean {
  return attempt(() => isObject(value) && key in value) === true;
}

function keyCount(value: unknown): number {
  return attempt(() => (isObject(value) ? Object.keys(value).length : 0)) ?? 0;
}

function strange(what: string): Verdict {
  return { kind: "failed", error: strangeVerdict(what) };
}
