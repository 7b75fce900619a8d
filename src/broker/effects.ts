import type { FailedThere, Settlement, TurnResult } from "../broker.ts";
import { toText } from "../bytes.ts";
import { sha1Hex } from "../digest.ts";
import { EffectError, RedisTooLargeError } from "../errors.ts";
import { asError } from "../guest.ts";
import { limits } from "../limits.ts";
import { type Outcome, outcomes, type SettledAs, settledAs } from "../outcome.ts";
import type { ByteString } from "../redis-client.ts";
import type { Failure } from "../retry-policy.ts";
import type { Script } from "./evaluate.ts";
import { type Detail, outcomeCodes } from "./outcome-codes.ts";
import { turnFullScript, turnFullScriptWhenFull } from "./scripts/turn-full/index.ts";
import { readRefusal } from "./turn-reply.ts";

/** One word of an effect: bytes, or a key, with the type that Redis must find there, if any. */
export type EffectWord = ByteString | { readonly key: ByteString; readonly type: string };

/** A command's name, its key or keys, and its other arguments. */
export type EffectCommand = readonly EffectWord[];

/** The effects of one acknowledged message, and what they need. */
export interface Effects {
  readonly commands: readonly EffectCommand[];
  readonly full: Full;
  /** What becomes of the message where Redis refuses one of them. */
  fail(error: Error): Promise<{ readonly outcome: Outcome; readonly failure: Failure }>;
}

/** What a settlement brings along that only `turnFull` can settle. */
export interface Full {
  /** What its request has beside the others. Throws `RedisTooLargeError` where it would be more than one script may do. */
  partsOf(details: readonly Detail[]): FullParts;
  /** Codes, with `keep` for the messages whose effects were refused. */
  keptIn(codes: string, refused: ByteString): string;
  /** Fails those messages, by one settle more, and tells what became of the settlement in all. Never rejects. */
  fail(
    refused: ByteString,
    settlement: Settlement,
    result: TurnResult,
    settle: (kept: Settlement) => Promise<TurnResult>,
  ): Promise<TurnResult>;
}

export interface FullParts {
  readonly scripts: TurnScripts;
  readonly keys: readonly ByteString[];
  readonly numbers: readonly number[];
  readonly details: readonly (ByteString | number)[];
}

/** A script, and the same for a server at `maxmemory`. */
export interface TurnScripts {
  readonly whenNot: Script;
  readonly whenFull: Script;
}

/** Longest part of a key that an error shows. */
const keyCharsMax = 100;

const scripts: TurnScripts = {
  whenNot: { source: turnFullScript, sha: sha1Hex(turnFullScript) },
  whenFull: { source: turnFullScriptWhenFull, sha: sha1Hex(turnFullScriptWhenFull) },
};

/** Settlements with effects. `placeOffset`: how many messages the batch had when an earlier settle kept these. */
export function effectsSettle(placeOffset: number): Full {
  return {
    partsOf(details) {
      const keys = new Map<ByteString, number>();
      const encoded = details.map((detail) => (typeof detail === "object" ? encode(detail, keys) : detail));
      const weights = details.map((detail) => (typeof detail === "object" ? weightOf(detail.commands) : 0));
      if (weights.reduce((sum, weight) => sum + weight, 0) > limits.scriptBytesMax) {
        throw new RedisTooLargeError("The effects of the batch are more than one script may do.");
      }
      return { scripts, keys: [...keys.keys()], numbers: [keys.size, placeOffset], details: encoded };
    },
    keptIn(codes, refused) {
      const kept = [...codes];
      for (const place of readRefused(refused).keys()) kept[place] = outcomeCodes.keep;
      return kept.join("");
    },
    fail: failRefused,
  };
}

/** Bytes, and what each word and command costs beside them. */
export function weightOf(commands: readonly EffectCommand[]): number {
  const lengths = commands.flat().map((word) => 16 + (typeof word === "string" ? word : word.key).length);
  return lengths.reduce((sum, length) => sum + length, 64 * commands.length);
}

/** The form that `turn-full/effects.ts` reads. */
function encode({ commands }: Effects, keys: Map<ByteString, number>): ByteString {
  let text = "";
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

/** What was refused, by the places of the messages, from 0. */
function readRefused(refused: ByteString): Map<number, Error> {
  const found = new Map<number, Error>();
  for (let at = 0; at < refused.length; ) {
    const colon = refused.indexOf(":", at);
    const end = colon + 1 + Number(refused.slice(at, colon));
    const text = refused.slice(colon + 1, end);
    const space = text.indexOf(" ");
    const [, command = "", key = ""] = /^(\S*) (.*)$/m.exec(text.slice(space + 1)) ?? [];
    const shownKey = JSON.stringify(toText(key.slice(0, keyCharsMax)));
    const error = new EffectError(command, shownKey, readRefusal(text.slice(space + 1)));
    for (const place of text.slice(0, space).split(",")) found.set(Number(place) - 1, error);
    at = end;
  }
  return found;
}

async function failRefused(
  refused: ByteString,
  settlement: Settlement,
  result: TurnResult,
  settle: (kept: Settlement) => Promise<TurnResult>,
): Promise<TurnResult> {
  const { batch } = settlement;
  const words: SettledAs[] = [...(result.settledAs ?? settlement.outcomes.map(settledAs))];
  const failed = new Map<number, FailedThere>();
  const kept = new Map<number, Outcome>();
  const errors = readRefused(refused);
  for (const [at, outcome] of settlement.outcomes.entries()) {
    const error = errors.get(at);
    if (error && outcome.kind === "ack" && outcome.effects) {
      const told = await outcome.effects.fail(error);
      failed.set(at, { ...told, place: settlement.outcomes.length + kept.size });
      kept.set(at, told.outcome);
      words[at] = "keep";
    } else if (words[at] === "keep") kept.set(at, outcomes.keep);
  }
  const failing: Settlement = {
    batch: { ...batch, messages: batch.messages.filter((_, at) => kept.has(at)) },
    outcomes: [...kept.values()],
    isMarked: [],
    full: effectsSettle(settlement.outcomes.length),
  };
  try {
    const second = await settle(failing);
    const became = second.settledAs ?? failing.outcomes.map(settledAs);
    for (const [index, at] of [...kept.keys()].entries()) {
      // The report takes those that were lost for acknowledged ones, and takes them off again.
      words[at] = second.lostCount > 0 ? "ack" : (became[index] as SettledAs);
    }
    return {
      ...result,
      settledAs: words,
      failed,
      deadLetters: [...result.deadLetters, ...second.deadLetters],
      lostCount: result.lostCount + second.lostCount,
      unsettledCount: result.unsettledCount + second.unsettledCount,
      recovered: result.recovered + second.recovered,
      finishedCount: result.finishedCount + second.finishedCount,
      nextDueAt: second.nextDueAt ?? result.nextDueAt,
      remaining: second.remaining ?? result.remaining,
      problem: result.problem ?? second.problem,
    };
  } catch (error) {
    // Redis has done all else. These stay leased, and the run ends when what it has claimed is settled.
    const unsettledCount = result.unsettledCount + failed.size;
    return { ...result, settledAs: words, failed, unsettledCount, problem: result.problem ?? asError(error) };
  }
}
