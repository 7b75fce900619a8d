import { isSpanContextValid, type SpanContext } from "@opentelemetry/api";
import { type Codec, type Message, OptionError, type Pushable, toBytes, toText } from "../../src/index.ts";
import { attempt, isThenable, peek, whenSettled } from "../../src/internals.ts";

/** What is read to find a message's trace. */
export type TracedMessage = Pick<Message, "payload" | "bytes" | "value">;

/** Where a message's `traceparent` is: as the W3C writes it, `00-<trace>-<span>-<flags>`. */
export interface TraceparentPlace {
  /** Gives it, or nothing. */
  readonly read: (message: TracedMessage) => string | null | undefined;
  /** Returns the message with it, for `push`. Default: what is pushed is left as it is. */
  readonly write?: (message: Pushable, traceparent: string) => Pushable;
}

/** Throws `OptionError` for what is no place. */
export function placeOf(given: unknown): TraceparentPlace | undefined {
  if (given === undefined) return undefined;
  if (typeof given === "string" && /^[\w$-]{1,100}(\.[\w$-]{1,100}){0,9}$/.test(given))
    return atPath(given.split("."));
  const { read, write } = { read: peek(given, "read"), write: peek(given, "write") };
  if (typeof read !== "function" || (write !== undefined && typeof write !== "function"))
    throw new OptionError(
      "traceparent",
      'a path such as "traceparent", or { read, write } of functions',
      "something else",
    );
  return given as TraceparentPlace;
}

function atPath(path: readonly string[]): TraceparentPlace {
  return {
    read: ({ value }) => path.reduce<unknown>(peek, value) as string,
    write: (message, traceparent) => written(message, path, traceparent) as Pushable,
  };
}

/** A copy with the value at the path. What is no plain object is left as it is, for it may not be what it seems. */
function written(value: unknown, [name, ...rest]: readonly string[], traceparent: string): unknown {
  if (name === undefined) return traceparent;
  if (value === undefined) return written({}, [name, ...rest], traceparent);
  const isPlain =
    typeof value === "object" &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value));
  return isPlain ? { ...value, [name]: written(peek(value, name), rest, traceparent) } : value;
}

/** The span in which a message was pushed; undefined where it names none. Never throws. */
export function spanContextIn(
  place: TraceparentPlace | undefined,
  message: TracedMessage,
): SpanContext | undefined {
  const text: unknown = place && attempt(() => place.read(message));
  void whenSettled(text);
  const [, traceId = "", spanId = "", flags = ""] =
    /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-|$)/.exec(
      typeof text === "string" ? text.slice(0, 200) : "",
    ) ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return isSpanContextValid(context) ? context : undefined;
}

/** The same of a payload that no handler has yet. */
export function spanContextInRaw(
  place: TraceparentPlace | undefined,
  raw: string,
  codec: Codec<unknown>,
): SpanContext | undefined {
  if (!place) return undefined;
  const [payload, bytes] = [toText(raw), toBytes(raw)];
  return spanContextIn(place, {
    payload,
    bytes,
    get value() {
      return attempt(() => codec.decode({ payload, bytes }));
    },
  });
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/** Messages as `push` takes them, each with the trace that it is pushed in. */
export function withTraceparent(
  given: unknown,
  place: TraceparentPlace | undefined,
  context: SpanContext,
): unknown {
  const write = place?.write;
  if (!write || !isSpanContextValid(context)) return given;
  const traceparent = traceparentOf(context);
  const traced = (message: unknown): unknown => {
    const said: unknown = attempt(() => write(message as Pushable, traceparent));
    void whenSettled(said);
    const isMessage = typeof said === "string" || (typeof said === "object" && !isThenable(said));
    return isMessage ? (said ?? message) : message;
  };
  const isWhole = given instanceof Uint8Array || given instanceof String;
  const isGroup = typeof given === "object" && given !== null && !isWhole;
  if (Array.isArray(given)) return given.map(traced);
  if (isGroup && typeof peek(given, Symbol.iterator) === "function")
    return each(given as Iterable<unknown>, traced);
  if (isGroup && typeof peek(given, Symbol.asyncIterator) === "function")
    return eachLater(given as AsyncIterable<unknown>, traced);
  return traced(given);
}

function* each(given: Iterable<unknown>, traced: (message: unknown) => unknown): Generator<unknown> {
  for (const message of given) yield traced(message);
}

async function* eachLater(
  given: AsyncIterable<unknown>,
  traced: (message: unknown) => unknown,
): AsyncGenerator<unknown> {
  for await (const message of given) yield traced(message);
}
