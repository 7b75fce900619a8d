import { toText } from "../bytes.ts";
import { sha1Hex } from "../digest.ts";
import { EffectError, RedisProtocolError, RedisTooLargeError } from "../errors.ts";
import type { Message } from "../handling/message.ts";
import type { DeadLetterCause, Outcome } from "../handling/outcome.ts";
import type { Failure } from "../handling/retry-policy.ts";
import * as limits from "../limits.ts";
import type { ByteString, RedisReply } from "../redis/redis-client.ts";
import type { Script } from "./evaluate.ts";
import { codeSets, outcomeCodes } from "./outcome-codes.ts";
import { turnFullScript, turnFullScriptWhenFull } from "./scripts/turn-full/index.ts";
import { readRefusal } from "./turn-reply.ts";

/** One word of an effect: bytes, or a key, with the type that Redis must find there; empty for any. */
export type EffectWord = ByteString | { readonly key: ByteString; readonly type: string };

/** A command's name, its key or keys, and its other arguments. */
export type EffectCommand = readonly EffectWord[];

/** The effects of one acknowledged message, and the code for them: who gives none has none of it. */
export interface Effects {
  readonly commands: readonly EffectCommand[];
  readonly message: Message;
  /** Where Redis refuses one, when the message is tried again, ms; null where it is a dead letter then. */
  readonly delayMs: number | null;
  settle(outcomes: readonly Outcome[]): Full;
  /** Set by the settle in which Redis has refused one. */
  failed?: FailedThere;
}

/** What a settlement brings along that only `turnFull` can settle. */
export interface Full {
  /** What its request has beside the others. Throws `RedisTooLargeError` where it would be more than one script may do. */
  partsOf(codes: string): FullParts;
  /** Takes off a reply what the lean script's does not have, and notes which messages have failed. */
  takeRefused(reply: RedisReply): void;
}

export interface FullParts {
  readonly scripts: TurnScripts;
  readonly keys: readonly ByteString[];
  readonly numbers: readonly number[];
  readonly args: readonly ByteString[];
}

/** A script, and the same for a server at `maxmemory`. */
export interface TurnScripts {
  readonly whenNot: Script;
  readonly whenFull: Script;
}

/** An acknowledged message that has failed when it was settled: what is told of it, and the cause if it is a dead letter. */
interface FailedThere {
  readonly failure: Failure;
  readonly cause: DeadLetterCause;
}

const scripts: TurnScripts = {
  whenNot: { source: turnFullScript, sha: sha1Hex(turnFullScript) },
  whenFull: { source: turnFullScriptWhenFull, sha: sha1Hex(turnFullScriptWhenFull) },
};

export function settleWithEffects(outcomes: readonly Outcome[]): Full {
  return {
    partsOf(codes) {
      const keys = new Map<ByteString, number>();
      const args: ByteString[] = [];
      let weight = 0;
      for (const [at, { effects }] of outcomes.entries()) {
        // Where it is settled in parts, those of the other parts are kept.
        if (!effects || !codeSets.successes.includes(codes[at] ?? outcomeCodes.keep)) continue;
        weight += weightOf(effects.commands);
        args.push(`${at + 1};${encode(effects, keys)}`);
      }
      if (weight > limits.scriptBytesMax && args.length > 1) {
        throw new RedisTooLargeError("The effects of the batch are more than one script may do.");
      }
      return { scripts, keys: [...keys.keys()], numbers: [keys.size, args.length], args };
    },
    takeRefused(reply) {
      const refused: unknown = Array.isArray(reply) && reply.pop();
      if (!Array.isArray(refused) || !refused.every((text) => typeof text === "string")) {
        throw new RedisProtocolError("The turn script must end its reply with what was refused of effects.");
      }
      for (const text of refused) noteRefused(text, outcomes);
    },
  };
}

function noteRefused(text: ByteString, outcomes: readonly Outcome[]): void {
  const [places = "", what = "", ...said] = text.split("\n");
  const error = new EffectError(toText(what), readRefusal(`\n${said.join("\n")}`));
  const cause = { reason: "exhausted", error: { name: error.name, message: error.refused } };
  for (const place of places.split(",")) {
    const effects = outcomes[Number(place) - 1]?.effects;
    if (!effects) continue;
    const { message } = effects;
    effects.failed = { failure: { attempt: message.attempt, error, message }, cause };
  }
}

/** Bytes, and what each word and command costs beside them. */
export function weightOf(commands: readonly EffectCommand[]): number {
  const lengths = commands.flat().map((word) => 16 + (typeof word === "string" ? word : word.key).length);
  return lengths.reduce((sum, length) => sum + length, 64 * commands.length);
}

/** The form that `turn-full/effects.ts` reads. */
function encode({ commands, delayMs }: Effects, keys: Map<ByteString, number>): ByteString {
  let text = `${delayMs === null ? outcomeCodes.exhausted : `${outcomeCodes.failed}${delayMs}`};`;
  for (const command of commands) {
    text += `${command.length};`;
    for (const word of command) {
      if (typeof word === "string") {
        text += `${word.length}:${word}`;
        continue;
      }
      if (!keys.has(word.key)) keys.set(word.key, keys.size + 1);
      text += `k${keys.get(word.key)}${word.type};`;
    }
  }
  return text;
}
