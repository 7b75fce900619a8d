import { OrderedTurns } from "../broker/ordered-turns.ts";
import { OptionError } from "../errors.ts";
import * as limits from "../limits.ts";
import { checkOptions, either, func, integer, type Kinds, required, text } from "../options/option-kinds.ts";
import { attempt, kindOf, show } from "../options/show.ts";
import { Stopper } from "../run/deadline.ts";
import { KeyReader } from "./order-keys.ts";
import type { KeyOf, KeyOrder, Order, OrderedSettings, Orders } from "./order-option.ts";

const keyOrderKinds = {
  byKey: required(
    either(
      text({ pattern: /^[^.]+(\.[^.]+)*$/, wanted: 'a path such as "customer.id"' }),
      func<KeyOf<unknown>>(),
    ),
  ),
  parkedMax: integer({ min: 1, max: 1_000_000, default: 10_000 }),
  concurrency: integer({ min: 1, max: 10_000, default: 1 }),
} satisfies Kinds<KeyOrder>;

/** Strict order, for the option `order` where its name alone does not bring it along: on Workers. */
export const strictOrder: Order = {
  impose(settings) {
    checkSettings(settings, "strict");
    if (settings.maxConcurrency > 1)
      throw new OptionError("maxConcurrency", '1 with order: "strict"', show(settings.maxConcurrency));
    return { concurrency: 1, prefetch: 0 };
  },
  turns: (context) => new OrderedTurns({ ...context, mode: "s", parkedMax: 0 }),
  readKeys: async (_settings, payloads) => payloads.map(() => ""),
};

/**
 * Order by key, for the option `order`: `byKey("customer.id")` is `{ byKey: "customer.id" }` with all that it needs, for
 * Workers. Throws `OptionError` for what is neither a path nor a function.
 */
export function byKey<Value>(key: KeyOf<Value> | string, options: Omit<KeyOrder, "byKey"> = {}): Order {
  // What cannot be read is refused as what it is.
  const given = attempt(() => kindOf(options) === "an object" && { ...options, byKey: key }) || options;
  const { byKey: of, parkedMax, concurrency } = checkOptions(keyOrderKinds, given, "order");
  return {
    impose(settings) {
      checkSettings(settings, "byKey");
      return { prefetch: 0 };
    },
    knowsKeys: true,
    turns: (context) =>
      new OrderedTurns({
        ...context,
        mode: "k",
        parkedMax,
        atOnce: concurrency,
        keyReader: new KeyReader(of, context),
      }),
    async readKeys(settings, payloads) {
      const endAt = settings.clock.now() + limits.keysMsMax;
      const stopper = new Stopper(settings.clock, { stopAt: endAt, leaveAt: endAt, endAt }, undefined);
      try {
        const keys = await new KeyReader(of, { settings, stopper }).read(payloads);
        return payloads.map((_, at) => keys?.[at]?.digest.replaceAll("-", "") ?? "");
      } finally {
        stopper.dispose();
      }
    },
  };
}

/** All orders, for who ships them all. */
export const orders: Orders = {
  read(given) {
    if (given === "strict") return strictOrder;
    if (kindOf(given) !== "an object")
      throw new OptionError("order", '"fifo", "strict" or { byKey }', show(given));
    const { byKey: key, ...rest } = checkOptions(keyOrderKinds, given, "order");
    return byKey(key, rest);
  },
  unparking: {
    impose: () => ({}),
    turns: (context) => new OrderedTurns({ ...context, mode: "f", parkedMax: 0 }),
  },
};

function checkSettings({ engine, handler }: OrderedSettings, order: string): void {
  if (engine !== "scripted")
    throw new OptionError(
      "order",
      '"fifo" with engine: "plain"; other orders need the scripted engine',
      show(order),
    );
  if (!handler)
    throw new OptionError(
      "order",
      '"fifo" with batchHandler; other orders run message by message: give handler',
      show(order),
    );
}
