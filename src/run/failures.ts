import { describe, isA, shorten } from "../handling/guest.ts";
import type { Failure } from "../handling/retry-policy.ts";
import { SchemaError } from "../handling/schema.ts";
import * as limits from "../limits.ts";

/** One way in which handlers failed in a run. */
export interface FailureCount {
  /** The error's name. */
  readonly name: string;
  /** Its message, shortened, and without the payload. */
  readonly message: string;
  /** How often it was met. Failures that the brake held back uncounted are among them. */
  readonly count: number;
}

/** Remembers the last few different failures of a run: enough to say what is wrong, and never a payload. */
export class FailureNotes {
  /** The newest last. */
  readonly #counts = new Map<string, FailureCount>();

  add(failure: Failure): void {
    const { name, message } = textOfFailure(failure);
    const key = `${name}\n${message}`;
    const count = (this.#counts.get(key)?.count ?? 0) + 1;
    this.#counts.delete(key);
    this.#counts.set(key, { name, message, count });
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > limits.failureCountMax && oldest !== undefined) this.#counts.delete(oldest);
  }

  /** The newest first. */
  toList(): FailureCount[] {
    return [...this.#counts.values()].reverse();
  }
}

/** The text of a failure, shortened, and without the payload. */
export function textOfFailure({ error, message }: Pick<Failure, "error" | "message">): {
  name: string;
  message: string;
} {
  const { name, message: text } = describe(error);
  const { payload } = message;
  const told = isA(error, SchemaError) ? schemaText(error) : withoutPayload(name, text, payload);
  return {
    name: shorten(withoutPayload("", name, payload), limits.failureCharsMax),
    message: shorten(told, limits.failureCharsMax),
  };
}

/** Says where the value does not fit, and not how: a schema's own text may quote the value. */
function schemaText({ issues }: SchemaError): string {
  const paths = [...new Set(issues.map(({ path }) => path))].filter((path) => path !== "");
  return `The message does not fit the schema${paths.length > 0 ? ` at ${paths.join(", ")}` : ""}.`;
}

/** Errors often quote the payload: all of it, its beginning, or the part that is not JSON. */
function withoutPayload(name: string, text: string, payload: string): string {
  let told = name === "SyntaxError" ? text.replace(/(["'])[\s\S]*\1/, "$1…$1") : text;
  if (payload.length < limits.payloadCharsMin) return told;
  told = told.replaceAll(payload, "…");
  // A shortened text may hold only its beginning.
  const beginning = told.indexOf(payload.slice(0, limits.payloadProbeChars));
  return beginning < 0 ? told : `${told.slice(0, beginning)}…`;
}
