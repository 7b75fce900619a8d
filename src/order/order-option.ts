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
 * Says the key of a message: a text or a finite number, or nothing for a message without order. It may be async. It runs before
 * the schema, so `value` is what the codec decodes, and `attempt` is not known yet.
 */
export type KeyOf<Value> = (message: Message<Value>) => Key | PromiseLike<Key>;

type Key = string | number | null | undefined;

/** An order by key. */
export interface KeyOrder<Value = unknown> {
  /** A function of the message, or the path of the key in its value: `"customer.id"`. A message without a key has no order. */
  readonly byKey: KeyOf<Value> | string;
  /** How many messages may wait behind others of their key, from 1 to 1,000,000. Default: 10,000. */
  readonly parkedMax?: number | undefined;
  /**
   * How many messages of one key run at once, from 1 to 10,000, all in one drain. Above 1 they keep no order, and a failed one
   * holds up no others: then keys serve only fairness and limits. Default: 1.
   */
  readonly concurrency?: number | undefined;
}

export type OrderOption<Value> = "fifo" | "strict" | KeyOrder<Value>;

/** An order together with its code: `strictOrder`, or what `byKey` returns. */
export interface Order {
  /** The options that it sets itself. Throws `OptionError` for options with which it cannot keep its promise. */
  impose(settings: OrderedSettings): { readonly concurrency?: 1; readonly prefetch?: 0 };
  turns(context: OrderContext): Turns;
  /** Whether it can keep a limit per key. */
  readonly knowsKeys?: true;
  /** The keys of dead letters' payloads as Redis knows them, `""` for none, so that a redrive puts them in their place. */
  readKeys?(settings: OrderContext["settings"], payloads: readonly ByteString[]): Promise<string[]>;
}

/** The options that concern an order. */
export interface OrderedSettings {
  readonly engine: unknown;
  readonly handler: unknown;
  readonly maxConcurrency: number;
}

/** What the turns of one run need. */
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
  /** Returns messages to the list that an earlier order by key has parked. */
  readonly unparking: Order;
}

/** Reads an order other than `fifo`. Throws `OptionError` for what is no order, or is not available here. */
export function readOrder(given: unknown, orders: Orders | undefined): Order {
  if (typeof peek(given, "impose") === "function") return given as Order;
  if (orders) return orders.read(given);
  throw new OptionError("order", '"fifo", or strictOrder or byKey(…) of spillway', show(given));
}
