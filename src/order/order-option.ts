import type { Turns } from "../broker/turn-sender.ts";
import type { Clock } from "../clock.ts";
import { OptionError } from "../errors.ts";
import type { Codec } from "../handling/codec.ts";
import { peek } from "../handling/guest.ts";
import type { Message } from "../handling/message.ts";
import { show } from "../options/show.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import type { Stopper } from "../run/deadline.ts";

/**
 * The key of a message: a text or a finite number, or nothing for a message that has no order. It may be async. The message's
 * `value` is what the codec decodes, and which attempt it is is not known yet.
 */
export type KeyOf<Value> = (message: Message<Value>) => Key | PromiseLike<Key>;

type Key = string | number | null | undefined;

/** An order by key. */
export interface KeyOrder<Value = unknown> {
  /** A function of the message, or the path of the key in its value: `"customer.id"`. What has none there has no order. */
  readonly byKey: KeyOf<Value> | string;
  /** Messages that may wait behind others, at most, from 1 to 1,000,000. Default: 10,000. */
  readonly parkedMax?: number | undefined;
  /**
   * Messages of one key that run at once, from 1 to 10,000, all in one drain. Above 1 they keep no order, and what fails holds
   * no others: keys then are for fairness and limits alone. Default: 1.
   */
  readonly concurrency?: number | undefined;
}

export type OrderOption<Value> = "fifo" | "strict" | KeyOrder<Value>;

/** An order with all that it needs: `strictOrder`, or what `byKey` returns. */
export interface Order {
  /** What it makes of other options. Throws `OptionError` for those that it cannot keep its promise with. */
  impose(settings: OrderedSettings): { readonly concurrency?: 1; readonly prefetch?: 0 };
  turns(context: OrderContext): Turns;
  /** Whether it can keep a limit per key. */
  readonly knowsKeys?: true;
  /** The keys of payloads as Redis knows them, `""` for none: of those that come back, so that they come to their place. */
  readKeys?(settings: OrderContext["settings"], payloads: readonly ByteString[]): Promise<string[]>;
}

/** The options that an order has to do with. */
export interface OrderedSettings {
  readonly engine: unknown;
  readonly handler: unknown;
  readonly maxConcurrency: number;
}

/** What the turns of one run are made of. */
export interface OrderContext {
  readonly settings: {
    readonly list: string;
    readonly codec: Codec<unknown>;
    readonly clock: Clock;
    readonly random: () => number;
    readonly handlerTimeoutMs: number | undefined;
  };
  readonly sender: Sender;
  readonly keys: ListKeys;
  /** Undefined outside of a run. */
  readonly stopper: Stopper | undefined;
}

/** All orders, by their names. */
export interface Orders {
  read(given: unknown): Order;
  /** Brings back what an order by key has left. */
  readonly unparking: Order;
}

/** Reads an order other than `fifo`. Throws `OptionError` for what is none, or cannot be had here. */
export function readOrder(given: unknown, orders: Orders | undefined): Order {
  if (typeof peek(given, "impose") === "function") return given as Order;
  if (orders) return orders.read(given);
  throw new OptionError("order", '"fifo", or strictOrder or byKey(…) of spillway', show(given));
}
