import type { Batch, Settlement } from "../broker.ts";
import { deadLetterTail } from "../dead-letter.ts";
import { RedisProtocolError } from "../errors.ts";
import type { Outcome, RetryLater, SettledAs, ToDeadLetter } from "../outcome.ts";
import type { ByteString } from "../redis-client.ts";

/** A settlement as the turn script reads it: one letter a message, and a detail for those that want one. */
export interface EncodedOutcomes {
  readonly letters: string;
  readonly details: readonly (ByteString | number)[];
}

const plainLetters = { ack: "a", release: "r", keep: "k" } as const;

export function encodeOutcomes(settlement: Settlement): EncodedOutcomes {
  const { outcomes, batch, isMarked } = settlement;
  const deadCount = outcomes.filter(mayBecomeDeadLetter).length;
  let letters = "";
  const details: (ByteString | number)[] = [];
  for (const [at, outcome] of outcomes.entries()) {
    switch (outcome.kind) {
      case "ack":
        letters += hasFared(batch, at) || isMarked[at] ? "c" : "a";
        break;
      case "release":
      case "keep":
        letters += plainLetters[outcome.kind];
        break;
      case "overloaded": {
        const [letter, detail] = encodeFailure(outcome.otherwise, deadCount);
        letters += "o";
        details.push(`${outcome.untilMs} ${letter} ${detail}`);
        break;
      }
      default: {
        const [letter, detail] = encodeFailure(outcome, deadCount);
        letters += letter;
        details.push(detail);
      }
    }
  }
  return { letters, details };
}

const settledWords: Readonly<Record<string, SettledAs>> = {
  a: "ack",
  c: "ack",
  f: "retry",
  w: "retry",
  x: "dead-letter",
  d: "dead-letter",
  r: "release",
  h: "release",
  k: "keep",
};

/** What the script says it carried out; null where it does not. An overload that counted (O) was what it would have been else. */
export function decodeSettled(letters: string, settlement: Settlement | null): SettledAs[] | null {
  if (settlement === null || letters.length !== settlement.outcomes.length) return null;
  return settlement.outcomes.map((outcome, at) => {
    const letter = letters[at] as string;
    const word =
      outcome.kind === "overloaded" && letter === "O" ? outcome.otherwise.kind : settledWords[letter];
    if (word === undefined)
      throw new RedisProtocolError(`The turn script settled as "${letter}", which is no outcome.`);
    return word;
  });
}

function encodeFailure(
  outcome: RetryLater | ToDeadLetter,
  deadCount: number,
): [letter: string, detail: ByteString | number] {
  if (outcome.kind === "retry") return [outcome.isFailure ? "f" : "w", outcome.delayMs];
  return [outcome.isFailure ? "x" : "d", deadLetterTail(outcome.cause, deadCount)];
}

function mayBecomeDeadLetter(outcome: Outcome): boolean {
  return (outcome.kind === "overloaded" ? outcome.otherwise : outcome).kind === "dead-letter";
}

/** Whether Redis has a record of the message. One that the brake held back has, without any attempt. */
function hasFared(batch: Batch, at: number): boolean {
  const firstFailedAt = batch.messages[at]?.firstFailedAt;
  return firstFailedAt !== null && firstFailedAt !== undefined;
}
