import { OptionError } from "../errors.ts";
import type { Listeners } from "../events/listeners.ts";
import type { Watcher } from "../events/watcher.ts";
import { peek } from "../handling/guest.ts";
import { isIdempotent } from "../handling/idempotent.ts";
import { type Order, type Orders, readOrder } from "../order/order-option.ts";
import { drainKinds, type PlainEngine } from "./drain-options.ts";
import { type Checked, checkOptions } from "./option-kinds.ts";
import { show } from "./show.ts";

/** A drain's options with all defaults, checked; the plain engine and an order are there by themselves, not by their names. */
export type DrainSettings = Omit<Checked<typeof drainKinds>, "engine"> & {
  readonly engine: "scripted" | PlainEngine;
  /** Undefined: first in, first out. */
  readonly ordering: Order | undefined;
  /** What brings back the messages that an order by key has left; undefined where they are to stay. */
  readonly unparking: Order | undefined;
  /** Who listens to events; undefined where nobody can. */
  readonly listeners: Listeners | undefined;
  /** Who looks on, the outermost first. */
  readonly watchers: readonly Watcher[];
};

/** Makes listeners of what the option `on` holds. Throws `OptionError` for what cannot be any. */
export type MakeListeners = (given: unknown) => Listeners;

export function checkDrainOptions(
  options: unknown,
  plain?: PlainEngine,
  orders?: Orders,
  makeListeners?: MakeListeners,
): DrainSettings {
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
  const unparking = ordering ? undefined : orders?.unparking;
  const listeners = readListeners(settings.on, makeListeners);
  const watchers = [settings.telemetry, listeners].filter((one) => one !== undefined);
  const unordered = { ...settings, engine, ordering, unparking, listeners, watchers };
  return { ...unordered, ...ordering?.impose(unordered) };
}

function readListeners(given: unknown, make: MakeListeners | undefined): Listeners | undefined {
  if (make) return make(given);
  if (given === undefined || typeof peek(given, "watch") === "function") return given as Listeners;
  throw new OptionError("on", "listeners(…) of spillway", show(given));
}
