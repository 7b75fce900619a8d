import { SpillwayError } from "../errors.ts";

/** What a codec reads: the payload as text (invalid UTF-8 replaced) and as the exact bytes. */
export interface Encoded {
  readonly payload: string;
  readonly bytes: Uint8Array;
}

/**
 * Decodes a payload into the `value` a handler works on; throws where it cannot. Such a message is not tried again, but it
 * counts as a failure for the brake: a deploy with a wrong codec is an outage like any other. Not async.
 */
export interface Codec<Value> {
  decode(encoded: Encoded): Value;
  /** What `push` makes of a message that is neither text nor bytes. Default: such a message is refused. Not async. */
  encode?(value: object): string | Uint8Array;
}

/** The default codec. */
export const jsonCodec = {
  decode(encoded) {
    try {
      return JSON.parse(encoded.payload);
    } catch (cause) {
      // The engine's own text quotes the payload, which must not reach a log.
      throw new SpillwayError(
        "codec",
        "The payload is not JSON. Push JSON, give a codec, or read message.payload.",
        { cause: cause instanceof Error ? cause.name : undefined },
      );
    }
  },

  // A Map, a class's instance or a promise would be `{}`, and its content lost.
  encode(value) {
    const isPlain = [Object.prototype, Array.prototype, null].includes(Object.getPrototypeOf(value));
    if (!isPlain && !("toJSON" in value)) {
      throw new TypeError("Only plain objects, arrays, and objects with toJSON have JSON.");
    }
    return JSON.stringify(value);
  },
} satisfies Codec<unknown>;
