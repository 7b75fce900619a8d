import { RedisProtocolError } from "../errors.ts";
import type { Outcome, RetryLater, SettledAs, ToDeadLetter } from "../handling/outcome.ts";
import { deadLetterTail } from "../operations/dead-letter.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Batch, Settlement } from "./broker.ts";
import type { Full } from "./effects.ts";

/** What the turn script is told of each message, in one character: the same names here and in the Lua. */
export const outcomeCodes = {
  ack: "a",
  /** Ack of a message that has a history or a done-marker, which goes with it. */
  ackNoted: "c",
  release: "r",
  /** Its handler still runs. */
  keep: "k",
  /** It failed: retry. */
  failed: "f",
  /** It asked to wait: retry. */
  waits: "w",
  /** It failed for the last time: dead letter. */
  exhausted: "x",
  /** It was not worth another attempt: dead letter. */
  rejected: "d",
  /** Release, and brake. */
  overloaded: "o",
  /** In place of all the codes: release each. */
  releaseAll: "*",
  /** In place of all the codes: ack each, and none has a history or a done-marker. */
  ackAll: "+",
  /** Only told by the script: a failure or an overload that the brake gave back uncounted. */
  held: "h",
  /** Only told by the script: an overload that counted, and became what it would have been else. */
  overloadCounted: "O",
} as const;

const {
  ack,
  ackAll,
  ackNoted,
  release,
  keep,
  failed,
  waits,
  exhausted,
  rejected,
  overloaded,
  held,
  overloadCounted,
} = outcomeCodes;

/** The sets of codes that the script asks about. */
export const codeSets = {
  successes: ack + ackNoted + ackAll,
  failures: failed + exhausted,
  /** What the brake counts as failing in a row. */
  troubles: failed + exhausted + overloaded,
  /** Those that come with a detail. */
  detailed: failed + waits + exhausted + rejected + overloaded,
  /** What is none that a request may hold. */
  unknown: `^${ack}${ackNoted}${release}${keep}${failed}${waits}${exhausted}${rejected}${overloaded}`,
};

/** A settlement as the turn script reads it: one code a message, and a detail for those that want one. */
export interface EncodedOutcomes {
  readonly codes: string;
  readonly details: readonly (ByteString | number)[];
  /** Where it is `turnFull` that must settle it. */
  readonly full?: Full | undefined;
}

export function encodeOutcomes({ outcomes, batch, isMarked }: Settlement): EncodedOutcomes {
  const deadCount = outcomes.filter((outcome) => unbraked(outcome).kind === "dead-letter").length;
  const details: (ByteString | number)[] = [];
  const codes = outcomes.map((outcome, at) => {
    if (outcome.kind === "ack") return hasHistory(batch, at) || isMarked[at] ? ackNoted : ack;
    if (outcome.kind === "release" || outcome.kind === "keep") return outcomeCodes[outcome.kind];
    const isOverloaded = outcome.kind === "overloaded";
    const [code, detail] = encodeFailure(isOverloaded ? outcome.otherwise : outcome, deadCount);
    details.push(isOverloaded ? `${outcome.untilMs} ${code} ${detail}` : detail);
    return isOverloaded ? overloaded : code;
  });
  const full = outcomes.find(({ effects }) => effects)?.effects?.settle(outcomes);
  return { codes: codes.join(""), details, full };
}

/** Whether each message was acknowledged, and none has a history or a done-marker: the working list is all there is. */
export function isAckedOnly(codes: string): boolean {
  return codes === ack.repeat(codes.length);
}

/** The outcomes of the messages from `start` to `end`, those before being kept; of those behind only the kept are left. */
export function partOf({ codes, details }: EncodedOutcomes, start: number, end: number): EncodedOutcomes {
  let detailAt = 0;
  const part = { codes: "", details: [] as (ByteString | number)[] };
  for (const [at, code] of [...codes].entries()) {
    const detail = codeSets.detailed.includes(code) ? details[detailAt++] : undefined;
    const isIn = at >= start && at < end;
    if (at < end || code === keep) part.codes += isIn ? code : keep;
    if (isIn && detail !== undefined) part.details.push(detail);
  }
  return part;
}

/** Whether each message of a settlement was acknowledged. */
export function isWhollyAcked(codes: string): boolean {
  return [...codes].every((code) => codeSets.successes.includes(code));
}

const settledWords: Readonly<Record<string, SettledAs>> = {
  [ack]: "ack",
  [ackNoted]: "ack",
  [failed]: "retry",
  [waits]: "retry",
  [exhausted]: "dead-letter",
  [rejected]: "dead-letter",
  [release]: "release",
  [held]: "release",
  [keep]: "keep",
};

/** What the script says it carried out; null where it does not. */
export function decodeSettled(codes: string, settlement: Settlement | null): SettledAs[] | null {
  if (settlement === null || codes.length !== settlement.outcomes.length) return null;
  return settlement.outcomes.map((outcome, at) => {
    const code = codes[at] as string;
    const isCounted = outcome.kind === "overloaded" && code === overloadCounted;
    const word = isCounted ? outcome.otherwise.kind : settledWords[code];
    if (word === undefined)
      throw new RedisProtocolError(`The turn script settled as "${code}", which is no outcome.`);
    return word;
  });
}

function encodeFailure(
  outcome: RetryLater | ToDeadLetter,
  deadCount: number,
): [code: string, detail: ByteString | number] {
  if (outcome.kind === "retry") return [outcome.isFailure ? failed : waits, outcome.delayMs];
  return [outcome.isFailure ? exhausted : rejected, deadLetterTail(outcome.cause, deadCount)];
}

/** What becomes of the message where no brake says otherwise. */
function unbraked(outcome: Outcome): Outcome {
  return outcome.kind === "overloaded" ? outcome.otherwise : outcome;
}

/** Whether Redis has a history of the message. One that the brake held back has, without any attempt. */
function hasHistory(batch: Batch, at: number): boolean {
  const firstFailedAt = batch.messages[at]?.firstFailedAt;
  return firstFailedAt !== null && firstFailedAt !== undefined;
}
