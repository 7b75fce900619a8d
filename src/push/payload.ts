import { fromBytes, fromText } from "../bytes.ts";
import { OptionError, SpillwayError } from "../errors.ts";
import type { Codec } from "../handling/codec.ts";
import { describe, isA, isThenable } from "../handling/guest.ts";
import { show } from "../options/show.ts";
import type { ByteString } from "../redis/redis-client.ts";

/** The bytes of a message to push. Throws `OptionError`, or `SpillwayError` where the codec cannot encode it. */
export function payloadOf(given: unknown, codec: Codec<unknown>): ByteString {
  const isObject =
    typeof given === "object" && given !== null && !isA(given, Uint8Array) && !isThenable(given);
  const encoded = isObject ? encode(given, codec) : given;
  if (typeof encoded === "string") return fromText(encoded);
  if (isA(encoded, Uint8Array)) return fromBytes(encoded);
  throw new OptionError(
    "payloads",
    "strings, Uint8Arrays, or objects that the codec encodes",
    show(encoded ?? given),
  );
}

function encode(value: object, codec: Codec<unknown>): unknown {
  try {
    return codec.encode?.(value);
  } catch (cause) {
    throw new SpillwayError(
      "invalid-option",
      `The codec cannot encode a message: ${describe(cause).message}`,
      {
        cause,
      },
    );
  }
}
