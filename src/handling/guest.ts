/**
 * User code is a guest: what it throws, returns or resolves with may be anything, an error whose name throws, a proxy that
 * lies, a promise that nobody awaits. These functions read it. None of them throws.
 */

import * as limits from "../limits.ts";
import { attempt, kindOf, whenSettled } from "../options/show.ts";

export { whenSettled };

/** An error as it is kept: short, and well-formed text whatever it was made of. */
export interface ErrorText {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/** One property; undefined where it cannot be read. */
export function peek(value: unknown, key: PropertyKey): unknown {
  return attempt(() => (value as Record<PropertyKey, unknown> | null | undefined)?.[key]);
}

export function isA<Wanted>(
  value: unknown,
  wanted: abstract new (...given: never[]) => Wanted,
): value is Wanted {
  return attempt(() => value instanceof wanted) === true;
}

/** Errors of another realm, a VM's or an iframe's, too. */
export function isError(value: unknown): value is Error {
  return isA(value, Error) || attempt(() => Object.prototype.toString.call(value)) === "[object Error]";
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === "object" && value !== null) || typeof value === "function") &&
    typeof peek(value, "then") === "function"
  );
}

export function textOf(value: unknown, charsMax: number): string {
  const isLong = typeof value === "function" || attempt(() => Array.isArray(value)) !== false;
  const text = isLong ? kindOf(value) : attempt(() => String(value));
  return shorten(text ?? "a value that has no text", charsMax);
}

/** The beginning, without half a character at its end or anywhere else. */
export function shorten(text: string, charsMax: number): string {
  return text.slice(0, charsMax).replace(/\p{Surrogate}/gu, "\uFFFD");
}

export function describe(error: unknown): ErrorText {
  const message = peek(error, "message");
  if (isError(error) || (typeof error === "object" && typeof message === "string")) {
    const name = peek(error, "name");
    const stack = peek(error, "stack");
    return {
      name: typeof name === "string" ? shorten(name, limits.reasonCharsMax) : "Error",
      message: textOf(message ?? "", limits.reasonCharsMax),
      ...(typeof stack === "string" ? { stack: shorten(stack, limits.stackCharsMax) } : {}),
    };
  }
  void whenSettled(error);
  return { name: typeof error, message: textOf(error, limits.reasonCharsMax) };
}

/** What was thrown, as an error that can be read without harm. */
export function asError(error: unknown): Error {
  const isReadable = (key: string): boolean => typeof peek(error, key) === "string";
  if (isError(error) && ["name", "message"].every(isReadable)) return error;
  const { name, message } = describe(error);
  return Object.assign(new Error(message), { name });
}
