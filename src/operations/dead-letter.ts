import type { Settlement, TurnResult } from "../broker/broker.ts";
import { fromText, toBytes, toText } from "../bytes.ts";
import { peek } from "../handling/guest.ts";
import { type DeadLetterCause, settledAs } from "../handling/outcome.ts";
import * as limits from "../limits.ts";
import type { ByteString } from "../redis/redis-client.ts";

/** A message that will not be tried again, and why. */
export interface DeadLetter {
  /** Names this dead letter; two of equal payloads have different ones. */
  readonly id: string;
  readonly list: string;
  /** The payload as text; bytes that are not UTF-8 read as U+FFFD here, and are exact in `bytes`. */
  readonly payload: string;
  readonly bytes: Uint8Array;
  /**
   * `exhausted`: it failed `maxAttempts` times. `crashed`: its process died, or ran past its lease, at the last one.
   * `non-retryable`, `invalid` (see `issues`), `undecodable`: it was not worth another. Else what the handler gave to
   * `deadLetter(reason)`.
   */
  readonly reason: string;
  /** What the last attempt threw, shortened; null where nothing was thrown. */
  readonly error: { readonly name: string; readonly message: string; readonly stack?: string } | null;
  /** What the schema found. */
  readonly issues: readonly { readonly path: string; readonly message: string }[];
  readonly attempts: number;
  /** Epoch ms on Redis' own clock. */
  readonly firstFailedAt: number;
  readonly lastFailedAt: number;
}

/**
 * The part of a dead letter's JSON that the drain knows; the script puts id, attempts and times before it. `share` is
 * how many dead letters of one batch share the characters that their texts may take.
 */
export function deadLetterTail({ reason, error, issues }: DeadLetterCause, share: number): ByteString {
  let left = Math.floor(limits.deadCharsOfBatchMax / share);
  const cut = (text: string, max: number): string => {
    const kept = text.slice(0, Math.min(max, left));
    left -= kept.length;
    return kept;
  };
  const shortened = {
    reason: cut(reason, limits.reasonCharsMax),
    error: error && {
      name: cut(error.name, limits.reasonCharsMax),
      message: cut(error.message, limits.reasonCharsMax),
      ...(error.stack && left > 0 ? { stack: cut(error.stack, limits.stackCharsMax) } : {}),
    },
    issues: issues?.flatMap(({ path, message }) =>
      left > 0
        ? [{ path: cut(path, limits.issueCharsMax), message: cut(message, limits.issueCharsMax) }]
        : [],
    ),
  };
  return fromText(JSON.stringify(shortened).slice(1));
}

/** A whole dead letter, for the engine that has no script to write its head. */
export function deadLetterEntry(
  head: { id: string; attempts: number; firstFailedAt: number; lastFailedAt: number },
  tail: ByteString,
  payload: ByteString,
): ByteString {
  const { id, attempts, firstFailedAt, lastFailedAt } = head;
  return `${JSON.stringify({ id, attempts, firstFailedAt, lastFailedAt }).slice(0, -1)},${tail}\n${payload}`;
}

/** The dead letters that a settle has made. */
export function deadLettersOf(settlement: Settlement, result: TurnResult, list: string): DeadLetter[] {
  const words = result.settledAs ?? settlement.outcomes.map(settledAs);
  return settlement.outcomes.flatMap((outcome, at) => {
    const message = settlement.batch.messages[at];
    const decided = outcome.kind === "overloaded" ? outcome.otherwise : outcome;
    const cause = decided.kind === "dead-letter" ? decided.cause : outcome.effects?.failed?.cause;
    if (words[at] !== "dead-letter" || !cause || message === undefined) return [];
    const head = {
      id: `${settlement.batch.id}.${at + 1}`,
      attempts: message.earlierAttempts + 1,
      firstFailedAt: message.firstFailedAt ?? result.now,
      lastFailedAt: result.now,
    };
    return [readDeadLetter(deadLetterEntry(head, deadLetterTail(cause, 1), message.raw), list)];
  });
}

/** The payload of an entry, to the byte. */
export function payloadOf(entry: ByteString): ByteString {
  const end = entry.indexOf("\n");
  return entry.startsWith('{"id":"') && end > 0 ? entry.slice(end + 1) : entry;
}

/** Reads an entry of the dead letters. What another program put there reads as a dead letter of unknown reason. */
export function readDeadLetter(entry: ByteString, list: string): DeadLetter {
  const end = entry.indexOf("\n");
  const isOurs = entry.startsWith('{"id":"') && end > 0;
  const head = isOurs ? parseHead(entry.slice(0, end)) : {};
  const raw = payloadOf(entry);
  return {
    id: String(head.id ?? ""),
    list,
    payload: toText(raw),
    bytes: toBytes(raw),
    reason: String(head.reason ?? "unknown"),
    error: readError(head.error),
    issues: Array.isArray(head.issues) ? head.issues.filter((one) => hasTexts(one, "path", "message")) : [],
    attempts: Number(head.attempts ?? 0),
    firstFailedAt: Number(head.firstFailedAt ?? 0),
    lastFailedAt: Number(head.lastFailedAt ?? 0),
  };
}

function readError(given: unknown): DeadLetter["error"] {
  const isError = hasTexts(given, "name", "message") && typeof (peek(given, "stack") ?? "") === "string";
  return isError ? (given as DeadLetter["error"]) : null;
}

function hasTexts(value: unknown, ...names: readonly string[]): boolean {
  return names.every((name) => typeof peek(value, name) === "string");
}

function parseHead(line: ByteString): Record<string, unknown> {
  try {
    const head: unknown = JSON.parse(toText(line));
    return typeof head === "object" && head !== null ? (head as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
