import { SpillwayError } from "./errors.ts";

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
}

/** The default codec. */
export const jsonCodec: Codec<unknown> = {
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
};
