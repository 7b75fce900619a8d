import { drainKinds, type PlainEngine } from "./drain-options.ts";
import { OptionError } from "./errors.ts";
import { isIdempotent } from "./idempotent.ts";
import { type Checked, checkOptions } from "./option-kinds.ts";
import { type Order, type Orders, readOrder } from "./order-option.ts";

/** A drain's options with all defaults, checked; the plain engine and an order are there by themselves, not by their names. */
export type DrainSettings = Omit<Checked<typeof drainKinds>, "engine"> & {
  readonly engine: "scripted" | PlainEngine;
  /** Undefined: first in, first out. */
  readonly ordering: Order | undefined;
  /** What brings back the messages that an order by key has left; undefined where they are to stay. */
  readonly unparking: Order | undefined;
};

export function checkDrainOptions(options: unknown, plain?: PlainEngine, orders?: Orders): DrainSettings {
  const settings = checkOptions(drainKinds, options);
  const { handler, batchHandler, workingList } = settings;
  const engine = settings.engine === "plain" ? plain : settings.engine;
  if (!engine)
    throw new OptionError("engine", "plainEngine (of spillway) where a Worker is to ship it", '"plain"');
  if (handler && batchHandler) {
    throw new OptionError("handler", "given alone, or batchHandler in its place", "both");
  }
  if (!handler && !batchHandler) {
    throw new OptionError("handler", "a function, or batchHandler in its place", "neither");
  }
  if (handler && settings.batchBy) {
    throw new OptionError("batchBy", "given with batchHandler", "handler");
  }
  if (handler && engine !== "scripted" && isIdempotent(handler)) {
    throw new OptionError("handler", 'not made by idempotent() with engine: "plain"', "one that is");
  }
  if (workingList !== undefined && engine === "scripted") {
    const wanted = 'given only with engine: "plain"; the scripted engine makes its own';
    throw new OptionError("workingList", wanted, "one");
  }
  const ordering = settings.order === "fifo" ? undefined : readOrder(settings.order, orders);
  const unordered = { ...settings, engine, ordering, unparking: ordering ? undefined : orders?.unparking };
  return { ...unordered, ...ordering?.impose(unordered) };
}
