import { plainBroker } from "./broker/plain.ts";
import type { Codec } from "./codec.ts";
import type { DrainOptions, PlainEngine } from "./drain-options.ts";
import { type Drain, makeDrain } from "./make-drain.ts";

/** The plain engine, for the option `engine` where its name alone does not bring it along: on Workers. */
export const plainEngine: PlainEngine = plainBroker;

/**
 * Makes a drain, of either engine: a plain object, so that `{ ...drain, run }` is one too. Throws `OptionError` naming the
 * option, what it must be, and what was given.
 */
export function createDrain<Decoded = unknown, Value = Decoded>(
  options: DrainOptions<Value> & { codec?: Codec<Decoded> | Codec<unknown> | undefined },
): Drain {
  return makeDrain(options, plainBroker);
}
