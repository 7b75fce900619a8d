import { type EffectCommand, type EffectWord, settleWithEffects, weightOf } from "../broker/effects.ts";
import { fromBytes, fromText, toText } from "../bytes.ts";
import { OptionError, SpillwayError } from "../errors.ts";
import * as limits from "../limits.ts";
import { type Checker, checkOptions, type Kinds } from "../options/option-kinds.ts";
import { attempt, kindOf, show, unreadable } from "../options/show.ts";
import { payloadOf } from "../push/payload.ts";
import type { Pushable } from "../push/push-options.ts";
import { hashTagOf, type ListKeys, listKeys } from "../redis/keys.ts";
import { jsonCodec } from "./codec.ts";
import { effectRule, refusalOf } from "./effect-commands.ts";
import { isA, peek } from "./guest.ts";
import type { Message } from "./message.ts";
import { type AckWithEffects, brand, type Outcome, type Said, say, withEffects } from "./outcome.ts";
import { backoffAfter, type Judging } from "./retry-policy.ts";
import { isArray } from "./verdict.ts";

/**
 * A command that writes to keys of the list's hash slot: its name, in any letters, and its arguments. Numbers go as their
 * decimal text.
 */
export type Effect = readonly [
  name: string,
  key: string | Uint8Array,
  ...args: (string | number | Uint8Array)[],
];

/** Options of `ack` and `forward`. */
export interface EffectsOptions {
  /**
   * Commands that Redis runs in the same step in which the message is acknowledged: once, and not at all where it is not
   * acknowledged. At most 100, of together at most 512 KB.
   */
  effects?: readonly Effect[];
}

/** The message is done: as a value, `return ack`, or called, with effects. */
export interface Ack extends Said<"ack"> {
  /** Throws `OptionError` for a command that may not be an effect. */
  (options?: EffectsOptions): Said<"ack"> | AckWithEffects;
}

/**
 * The message is done. `ack({ effects })` also runs commands in Redis, in the same step in which the message is acknowledged:
 * once, and not at all where its lease was lost. Where Redis refuses one of them, none runs and the message fails. Scripted
 * engine only.
 */
export const ack: Ack = /* @__PURE__ */ makeAck();

/**
 * The message is done, and in the same step these payloads go to the left end of another list, the first given first: texts as
 * UTF-8, bytes as they are, plain objects and arrays as JSON. The name of that list must have the same hash tag:
 * `{emails}:next` for `emails`. Throws `OptionError` for what cannot be pushed, and for what may not be an effect.
 */
export function forward(
  list: string,
  payloads: Pushable | Iterable<Pushable>,
  options: EffectsOptions = {},
): AckWithEffects {
  if (typeof list !== "string" || list === "") {
    throw new OptionError("list", "a Redis key with at least one character", show(list));
  }
  const several = typeof payloads === "object" && !isA(payloads, Uint8Array) && isIterable(payloads);
  const given = several ? bounded(payloads as Iterable<unknown>) : [payloads];
  const words = given.map((payload) => payloadOf(payload, jsonCodec));
  if (words.length === 0) throw new OptionError("payloads", "at least one message", "none");
  const push: EffectCommand = ["LPUSH", { key: fromText(list), type: "list" }, ...words];
  return acknowledging([push, ...readOptions(options)]);
}

function makeAck(): Ack {
  const make = (options: EffectsOptions = {}): Said<"ack"> | AckWithEffects => {
    const commands = readOptions(options);
    return commands.length > 0 ? acknowledging(commands) : ack;
  };
  const said = { [brand]: { value: true }, outcome: { value: "ack", enumerable: true } };
  return Object.freeze(Object.defineProperties(make, said)) as Ack;
}

function acknowledging(commands: readonly EffectCommand[]): AckWithEffects {
  if (commands.length > limits.effectCountMax) throw tooMany(commands.length);
  const weight = weightOf(commands);
  if (weight > limits.effectBytesMax) {
    throw new OptionError(
      "effects",
      `at most ${limits.effectBytesMax} bytes, with 16 for each word`,
      `${weight}`,
    );
  }
  const typed = withTypes(commands);
  return say(withEffects, { judge: (message: Message, judging: Judging) => judge(typed, message, judging) });
}

function judge(commands: readonly EffectCommand[], message: Message, judging: Judging): Outcome {
  // Batches of the plain engine have no lease, and so do not know Redis' time.
  if (judging.redisNow() === null) {
    throw new SpillwayError(
      "invalid-option",
      "Effects need the scripted engine, and this drain has the plain one. Use the scripted engine, or return ack without effects.",
    );
  }
  const keys = listKeys(message.list);
  for (const command of commands) {
    for (const word of command) if (typeof word === "object") checkKey(word.key, String(command[0]), keys);
  }
  const { policy } = judging;
  const { attempt } = message;
  const delayMs = attempt >= policy.maxAttempts ? null : backoffAfter(attempt, policy);
  return { kind: "ack", effects: { commands, message, delayMs, settle: settleWithEffects } };
}

/** An effect may not touch the keys that hold the list's messages, except to push more messages. */
function checkKey(key: string, name: string, keys: ListKeys): void {
  const shown = `the key ${show(toText(key))}`;
  const tag = hashTagOf(keys.list);
  if (hashTagOf(key) !== tag) {
    const wanted = `commands whose keys contain {${toText(tag)}}, as all keys of the list "${keys.name}" do`;
    throw new OptionError("effects", wanted, shown);
  }
  const rest = key.startsWith(keys.base) ? key.slice(keys.base.length) : undefined;
  const isOwn =
    /^(working|done|id):|^(shards|lists|drains)$/.test(rest ?? "") || Object.values(keys).includes(key);
  const isList = key === keys.list;
  if (rest === "" || (isList ? !/^[LR]PUSH$/.test(name) : isOwn)) {
    throw new OptionError(
      "effects",
      "commands on keys of your own; the list itself takes LPUSH and RPUSH",
      `${name} of ${shown}`,
    );
  }
}

const kinds = {
  effects: { wanted: "an array of commands", allows: isArray } as Checker<readonly Effect[] | undefined>,
} satisfies Kinds<EffectsOptions>;

function readOptions(options: unknown): EffectCommand[] {
  const { effects = [] } = checkOptions(kinds, options);
  return copyOf(effects, "effects", limits.effectCountMax).map(readEffect);
}

function readEffect(given: unknown, at: number): EffectCommand {
  const path = `effects[${at}]`;
  if (!isArray(given)) {
    throw new OptionError(path, 'an array such as ["INCRBY", key, 1]', kindOf(given));
  }
  const [first, ...others] = copyOf(given, path, limits.effectWordsMax);
  const name = typeof first === "string" ? first.toUpperCase() : "";
  const rule = effectRule(name);
  if (!rule) {
    const got = name === "" ? show(first) : `${show(name).slice(1, -1)}, ${refusalOf(name)}`;
    throw new OptionError(path, "a command that writes to keys it names, such as INCRBY or HSET", got);
  }
  const count = others.length + 1;
  if (rule.isExact ? count !== rule.count : count < rule.count) {
    const wanted = `${name} with ${rule.isExact ? "" : "at least "}${rule.count - 1} arguments`;
    throw new OptionError(path, wanted, String(count - 1));
  }
  return [
    name,
    ...others.map((word, index) => {
      const bytes = bytesOf(word, `${path}[${index + 1}]`);
      const type = rule.typeAt(index + 1);
      return type === undefined ? bytes : { key: bytes, type };
    }),
  ];
}

function bytesOf(word: unknown, path: string): string {
  if (typeof word === "string") return fromText(word);
  if (typeof word === "number") {
    const text = String(word === 0 ? 0 : word);
    const isExact = Number.isInteger(word) ? Number.isSafeInteger(word) : Number.isFinite(word);
    if (isExact && !text.includes("e")) return text;
  }
  const bytes = isA(word, Uint8Array) && attempt(() => fromBytes(word));
  if (typeof bytes === "string") return bytes;
  const wanted =
    "a text, a Uint8Array, or a number that is exact up to 2 ^ 53 and written without an exponent";
  throw new OptionError(path, wanted, show(word));
}

/**
 * Adds to each key the type that it must have. Types are checked before the first command runs, so each stands where its key
 * is named first. Throws where a later command needs another type.
 */
function withTypes(commands: readonly EffectCommand[]): EffectCommand[] {
  const known = new Map<string, string>();
  return commands.map((command) =>
    command.map((word): EffectWord => {
      if (typeof word === "string") return word;
      const before = known.get(word.key);
      if (before && word.type && before !== word.type) {
        const wanted = `commands that agree on the type of the key ${show(toText(word.key))}`;
        throw new OptionError("effects", wanted, `one for a ${before} and one for a ${word.type}`);
      }
      // A command that takes any type may have changed the key's type.
      known.set(word.key, before === undefined || word.type === "" ? word.type : before);
      return before === undefined ? word : { ...word, type: "" };
    }),
  );
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof peek(value, Symbol.iterator) === "function";
}

function bounded(values: Iterable<unknown>): unknown[] {
  const found: unknown[] = [];
  for (const value of values) {
    if (found.length >= limits.effectWordsMax - 2) {
      throw new OptionError("payloads", `at most ${limits.effectWordsMax - 2} messages`, "more");
    }
    found.push(value);
  }
  return found;
}

/** A copy, each element read once, so that later changes of the original do not matter. */
function copyOf(values: readonly unknown[], path: string, countMax: number): unknown[] {
  const length = peek(values, "length");
  if (typeof length !== "number" || length > countMax) {
    throw new OptionError(path, `an array of at most ${countMax} elements`, `${show(length)} of them`);
  }
  const copy = attempt(() => Array.from({ length }, (_, at) => values[at]));
  if (!copy) throw new OptionError(path, "an array that can be read", unreadable);
  return copy;
}

function tooMany(count: number): OptionError {
  return new OptionError("effects", `at most ${limits.effectCountMax} commands`, String(count));
}
