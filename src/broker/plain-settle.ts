import { sha1Hex } from "../digest.ts";
import type { ClaimedMessage } from "../handling/message.ts";
import {
  type Outcome,
  type RetryLater,
  type SettledAs,
  settledAs,
  type ToDeadLetter,
} from "../handling/outcome.ts";
import * as limits from "../limits.ts";
import { deadLetterEntry, deadLetterTail } from "../operations/dead-letter.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString, RedisCommand } from "../redis/redis-client.ts";
import type { Settlement } from "./broker.ts";
import { writeDelayed, writeHistory } from "./history.ts";
import { partsOf } from "./plain-sending.ts";
import type { PlainView } from "./plain-view.ts";

/** The shared working list, how many dead letters are kept at most (0 keeps all), and about how much one request may carry. */
export interface PlainPlaces {
  readonly keys: ListKeys;
  readonly workingList: ByteString;
  readonly deadCountMax: number;
  readonly maxBatchBytes: number;
}

/** The commands that settle a batch: first the pushes to other places, then the removals from the working list. */
export interface PlainSettling {
  /** `places`: the messages that must stay in the working list if the command is refused. */
  readonly pushes: readonly { readonly command: RedisCommand; readonly places: readonly number[] }[];
  readonly removals: readonly { readonly command: RedisCommand; readonly place: number }[];
}

/** Writes the commands that settle a batch. */
export class PlainSettle {
  readonly #places: PlainPlaces;
  readonly #view: PlainView;
  #retryCount = 0;

  constructor(places: PlainPlaces, view: PlainView) {
    this.#places = places;
    this.#view = view;
  }

  commands(settlement: Settlement): PlainSettling {
    const { keys, maxBatchBytes } = this.#places;
    const { list, attempts } = keys;
    const pushes: { command: RedisCommand; places: number[] }[] = [];
    const removals: { command: RedisCommand; place: number }[] = [];
    const released: { raw: ByteString; place: number }[] = [];
    for (const [at, outcome] of settlement.outcomes.entries()) {
      const message = settlement.batch.messages[at];
      if (message === undefined || outcome.kind === "keep") continue;
      removals.push({ command: ["LREM", this.#places.workingList, 1, message.raw], place: at });
      if (outcome.kind === "release") {
        released.push({ raw: message.raw, place: at });
        continue;
      }
      if (outcome.kind !== "ack") {
        const [push, ...others] = this.#fail(
          settlement.batch.id,
          at,
          message,
          withoutBrake(outcome, this.#view.now),
        );
        pushes.push({ command: push, places: [at] }, ...others.map((command) => ({ command, places: [] })));
      }
      if (message.firstFailedAt !== null) {
        removals.push({ command: ["HDEL", attempts, sha1Hex(message.raw)], place: at });
      }
    }
    for (const part of partsOf(released.reverse(), maxBatchBytes / 2, ({ raw }) => raw)) {
      const command: RedisCommand = ["RPUSH", list, ...part.map(({ raw }) => raw)];
      pushes.push({ command, places: part.map(({ place }) => place) });
    }
    return { pushes, removals };
  }

  #fail(
    batchId: string,
    at: number,
    message: ClaimedMessage,
    outcome: RetryLater | ToDeadLetter,
  ): [RedisCommand, ...RedisCommand[]] {
    const { now } = this.#view;
    const attempts = message.earlierAttempts + 1;
    const firstFailedAt = message.firstFailedAt ?? now;
    if (outcome.kind === "retry") {
      const dueAt = now + outcome.delayMs;
      const id = `${String(++this.#retryCount).padStart(8, "0")}.${batchId}`;
      const history = writeHistory({ attempts, crashes: message.crashes, firstFailedAt });
      this.#view.nextDueAt = Math.min(this.#view.nextDueAt ?? dueAt, dueAt);
      return [["ZADD", this.#places.keys.delayed, dueAt, writeDelayed(id, history, message.raw)]];
    }
    const head = { id: `${batchId}.${at + 1}`, attempts, firstFailedAt, lastFailedAt: now };
    const entry = deadLetterEntry(head, deadLetterTail(outcome.cause, 1), message.raw);
    return pushDeadLetters([entry], this.#places);
  }
}

/** The commands that add dead letters, and remove the oldest that are too many. */
export function pushDeadLetters(
  entries: readonly ByteString[],
  { keys, deadCountMax }: PlainPlaces,
): [RedisCommand, ...RedisCommand[]] {
  const push: RedisCommand = ["LPUSH", keys.dead, ...entries];
  return deadCountMax > 0 ? [push, ["LTRIM", keys.dead, 0, deadCountMax - 1]] : [push];
}

/** How an engine without a brake carries out an outcome. */
export function settledWithoutBrake(outcome: Outcome): SettledAs {
  return outcome.kind === "overloaded" ? outcome.otherwise.kind : settledAs(outcome);
}

/** Without a brake, an overload is a failure that waits at least as long as the handler asked. */
function withoutBrake(
  outcome: Exclude<Outcome, { kind: "ack" } | { kind: "release" } | { kind: "keep" }>,
  now: number,
): RetryLater | ToDeadLetter {
  if (outcome.kind !== "overloaded") return outcome;
  const { otherwise, untilMs } = outcome;
  if (otherwise.kind === "dead-letter") return otherwise;
  return { ...otherwise, delayMs: Math.max(otherwise.delayMs, Math.min(untilMs - now, limits.delayMsMax)) };
}
