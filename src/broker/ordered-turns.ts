import { sleep } from "../clock.ts";
import { sha1Hex } from "../digest.ts";
import { RedisProtocolError } from "../errors.ts";
import * as limits from "../limits.ts";
import { type KeyReader, noKey, type ReadKey } from "../order/order-keys.ts";
import type { OrderContext } from "../order/order-option.ts";
import type { ByteString, RedisReply } from "../redis/redis-client.ts";
import type { BatchOrder } from "./broker.ts";
import type { TurnScripts } from "./effects.ts";
import { isAckedOnly, outcomeCodes } from "./outcome-codes.ts";
import { turnOrderScript, turnOrderScriptWhenFull } from "./scripts/turn-order/index.ts";
import { readTurnReply, type TurnReply, turnFieldCount } from "./turn-reply.ts";
import type { TurnRequest } from "./turn-request.ts";
import { TurnSender, type Turns } from "./turn-sender.ts";

const scripts: TurnScripts = {
  whenNot: { source: turnOrderScript, sha: sha1Hex(turnOrderScript) },
  whenFull: { source: turnOrderScriptWhenFull, sha: sha1Hex(turnOrderScriptWhenFull) },
};

export interface OrderedTurnsOptions extends OrderContext {
  /** `f`: first in, first out, where an earlier order by key has left parked messages; `s`: strict; `k`: by key. */
  readonly mode: "f" | "s" | "k";
  readonly parkedMax: number;
  readonly keyReader?: KeyReader;
  /** By key: how many messages of one key run at once. Above 1 they keep no order. Default: 1. */
  readonly atOnce?: number;
}

/** The right end of the list when the drain last asked, the oldest message first, and the print up to each message. */
interface Shown {
  readonly payloads: readonly ByteString[];
  readonly prints: readonly string[];
  keys: readonly ReadKey[];
}

/** How many of the messages shown a claim may take, if their print is still this. */
interface Offer {
  readonly shown: Shown;
  readonly count: number;
}

/** What the script for orders returns after the fields of every turn. */
interface OrderReply {
  readonly keys: readonly string[];
  readonly places: readonly number[];
  readonly shown: Shown;
  readonly movedCount: number;
}

const nothingShown: Shown = { payloads: [], prints: [], keys: [] };

/**
 * Sends the turns of an order. By key, each reply shows the right end of the list, the next request says the keys of those
 * messages, and the script sorts them by key in the step that takes them from the list. If another drain was quicker, the reply
 * shows the new end of the list, and the drain asks again.
 */
export class OrderedTurns implements Turns {
  readonly #options: OrderedTurnsOptions;
  readonly #turns: TurnSender;
  #shown = nothingShown;
  /** By batch in hand: the keys of its messages in their order, 16 characters each, until a part of the batch is settled. */
  readonly #keysOf = new Map<string, string>();

  constructor(options: OrderedTurnsOptions) {
    this.#options = options;
    this.#turns = new TurnSender(options.sender, options.keys, scripts);
  }

  learnsFull(error: unknown): boolean {
    return this.#turns.learnsFull(error);
  }

  async send(request: TurnRequest): Promise<TurnReply> {
    let { reply, movedCount } = await this.#sendOnce(request);
    for (let missed = 0; mustAskAgain(request, reply); missed = movedCount > 0 ? 0 : missed + 1) {
      if (this.#shown.payloads.length === 0) break;
      // The claim found nothing only because the keys could not be read in time.
      if (this.#options.stopper?.isStopped) return { ...reply, claimed: "not-served" };
      if (missed > limits.shownCountMax) return { ...reply, claimed: "busy" };
      if (missed > 0) await this.#wait();
      const { busyUntil } = reply;
      const again = await this.#sendOnce({
        ...request,
        settle: null,
        recoverIds: [],
        looks: true,
        busyUntil,
      });
      movedCount = again.movedCount;
      reply = joined(reply, again.reply);
    }
    return reply;
  }

  async #wait(): Promise<void> {
    const { clock, random } = this.#options.settings;
    await sleep(clock, limits.shownWaitMs * random());
  }

  async #sendOnce(given: TurnRequest): Promise<{ reply: TurnReply; movedCount: number }> {
    const { mode, parkedMax, keys, sender, atOnce = 1 } = this.#options;
    const request = mode === "s" ? withOneWhereHeadFailed(given) : given;
    const { settle, claim } = request;
    const offer = await this.#offer(claim?.countMax ?? 0);
    const offered = offer.shown.keys.slice(0, offer.count).map(({ digest }) => digest);
    let settleKeys = "";
    if (settle) {
      if (isAckedOnly(settle.codes)) settleKeys = this.#keysOf.get(settle.id) ?? "";
      this.#keysOf.delete(settle.id);
    }
    const print = offer.shown.prints[offer.count - 1] ?? "";
    const order = [
      atOnce > 1 ? "c" : mode,
      parkedMax,
      offer.count,
      print,
      offered.join(""),
      settleKeys,
    ].join();
    const { parked, due, lines, held, rates } = keys;
    const raw = await this.#turns.run(request, [parked, due, lines, held, rates], [order]);
    if (settle?.full) settle.full.takeRefused(raw);
    else if (Array.isArray(raw)) raw.pop();
    const { reply, more } = readOrderReply(raw);
    sender.meter.commands += reply.calls;
    if (mode === "k" && claim) {
      this.#shown = withKnownKeys(more.shown, this.#shown);
      this.#keysOf.set(claim.id, more.keys.join(""));
    }
    return { reply: this.#inOrder(reply, more, offer), movedCount: more.movedCount };
  }

  /** Reads the keys of the messages shown. Where that is not done in time, none of them is claimed. */
  async #offer(countMax: number): Promise<Offer> {
    const shown = this.#shown;
    const count = Math.min(countMax, shown.payloads.length);
    if (shown.keys.length < count) {
      const known = shown.keys.length;
      const read = await this.#options.keyReader?.read(shown.payloads.slice(known, count));
      if (!read) return { shown, count: 0 };
      shown.keys = [...shown.keys, ...read];
    }
    return { shown, count };
  }

  #inOrder(reply: TurnReply, { keys, places }: OrderReply, { shown }: Offer): TurnReply {
    if (this.#options.mode === "f") return reply;
    const messages = [...reply.messages, ...places.map((place) => shown.payloads[place - 1] as ByteString)];
    if (this.#options.mode === "s")
      return { ...reply, order: { lines: [[...messages.keys()]], faults: new Map() } };
    return { ...reply, messages, order: orderOf(messages, keys, shown, this.#options.atOnce) };
  }
}

/** Strict: what comes behind a head that failed would only be given back again, so the head is claimed alone. */
function withOneWhereHeadFailed(request: TurnRequest): TurnRequest {
  const { settle, claim } = request;
  const { failed, waits, overloaded } = outcomeCodes;
  const hasFailed = [failed, waits, overloaded].some((code) => settle?.codes.includes(code));
  return claim && hasFailed ? { ...request, claim: { ...claim, countMax: 1 } } : request;
}

/** Whether nothing was claimed although nothing stood in the way. */
function mustAskAgain({ claim }: TurnRequest, { claimed, messages, problem }: TurnReply): boolean {
  return claim !== null && claimed === "served" && problem === null && messages.length === 0;
}

/** Messages of one key form one line, or `atOnce` lines that share them. A message without a key is a line of its own. */
function orderOf(
  messages: readonly ByteString[],
  keys: readonly string[],
  shown: Shown,
  atOnce = 1,
): BatchOrder {
  const lines: number[][] = [];
  const lineOf = new Map<string, number[]>();
  const faults = new Map<number, { error: unknown }>();
  for (const [at, payload] of messages.entries()) {
    const key = keys[at] ?? noKey;
    const line = lineOf.get(key);
    if (line && key !== noKey) line.push(at);
    else {
      const begun = [at];
      lineOf.set(key, begun);
      lines.push(begun);
    }
    // Found by its payload, since a repeated reply does not say which of the messages shown it was.
    const fault = key === noKey && shown.keys[shown.payloads.indexOf(payload)]?.fault;
    if (fault) faults.set(at, fault);
  }
  if (atOnce === 1) return { lines, faults };
  const shared = lines.map((line) => line.values());
  // Round by round, so that no key takes all handlers.
  const rounds = Array.from({ length: Math.min(atOnce, messages.length) }, (_, round) =>
    shared.filter((_, at) => (lines[at] as number[]).length > round),
  );
  return { lines: rounds.flat(), faults, isLoose: true };
}

/** Takes over the keys that were already read of the same messages. */
function withKnownKeys(shown: Shown, before: Shown): Shown {
  let count = 0;
  while (count < before.keys.length && before.prints[count] === shown.prints[count]) count += 1;
  return { ...shown, keys: before.keys.slice(0, count) };
}

/** Joins two replies of one turn: what the first settled and recovered, and what the second claimed. */
function joined(first: TurnReply, second: TurnReply): TurnReply {
  const { settled, settledCodes } = first;
  return {
    ...second,
    settled,
    settledCodes,
    quiet: Math.min(first.quiet, second.quiet),
    recovered: first.recovered + second.recovered,
    finishedCount: first.finishedCount + second.finishedCount,
    deadLetters: [...first.deadLetters, ...second.deadLetters],
  };
}

function readOrderReply(raw: RedisReply): { reply: TurnReply; more: OrderReply } {
  const reply = readTurnReply(Array.isArray(raw) ? raw.slice(0, turnFieldCount) : raw);
  const [keys, places, payloads, prints, movedCount] = (raw as RedisReply[]).slice(turnFieldCount);
  const isRead =
    typeof keys === "string" &&
    isListOf(places, "number") &&
    isListOf(payloads, "string") &&
    typeof prints === "string" &&
    typeof movedCount === "number";
  if (!isRead)
    throw new RedisProtocolError(
      "The turn script must return keys, places and the end of the list; the reply was something else.",
    );
  const shown = { payloads: payloads as ByteString[], prints: inSixteens(prints), keys: [] };
  return { reply, more: { keys: inSixteens(keys), places: places as number[], shown, movedCount } };
}

function isListOf(value: RedisReply | undefined, type: "number" | "string"): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === type);
}

function inSixteens(text: string): string[] {
  return text.match(/.{16}/g) ?? [];
}
