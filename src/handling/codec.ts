import { SpillwayError } from "../errors.ts";

/** What a codec reads: the payload as text (invalid UTF-8 replaced) and as the exact bytes. */
export interface Encoded {
  readonly payload: string;
  readonly bytes: Uint8Array;
}

/**
 * Decodes a payload into the `value` that a handler works on, and throws where it cannot. Such a message is not tried again,
 * but it counts for the brake, because a deploy with a wrong codec makes every message fail. Not async.
 */
export interface Codec<Value> {
  decode(encoded: Encoded): Value;
  /** Encodes a message that is neither text nor bytes, for `push`. Default: `push` refuses such a message. Not async. */
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

  // A Map, an instance of a class or a promise would become `{}`, and its content be lost.
  encode(value) {
    const isPlain = [Object.prototype, Array.prototype, null].includes(Object.getPrototypeOf(value));
    if (!isPlain && !("toJSON" in value)) {
      throw new TypeError("Only plain objects, arrays, and objects with toJSON have JSON.");
    }
    return JSON.stringify(value);
  },
} satisfies Codec<unknown>;
