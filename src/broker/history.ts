import type { ClaimedMessage } from "../handling/message.ts";
import type { ByteString } from "../redis/redis-client.ts";

/** What a message has been through before this claim. */
export type History = Omit<ClaimedMessage, "raw">;

/** A history as Redis holds it: the turn script's header describes the form. */
export interface FailedHistory {
  readonly attempts: number;
  readonly crashes: number;
  readonly firstFailedAt: number;
}

/** Of a message that never failed. */
export const noHistory: History = { earlierAttempts: 0, crashes: 0, firstFailedAt: null };

/** Reads a history; of several joined ones the first. */
export function readHistory(text: ByteString | undefined): History {
  const [, attempts, crashes, firstFailedAt] = /^(\d+)\.(\d+)\.\d+@(\d+)/.exec(text ?? "") ?? [];
  if (firstFailedAt === undefined) return noHistory;
  return {
    earlierAttempts: Number(attempts),
    crashes: Number(crashes),
    firstFailedAt: Number(firstFailedAt),
  };
}

/** Writes the history of a message that no brake has held back. */
export function writeHistory({ attempts, crashes, firstFailedAt }: FailedHistory): ByteString {
  return `${attempts}.${crashes}.0@${firstFailedAt}`;
}

/** A member of the delayed set. `id` has neither `!` nor `:`, and begins so that equal due times keep their order. */
export function writeDelayed(id: string, history: ByteString, payload: ByteString): ByteString {
  return `${id}!${history}:${payload}`;
}

/** Reads a member of the delayed set; `history` is undefined where it carries none. */
export function readDelayed(member: ByteString): { history: ByteString | undefined; payload: ByteString } {
  const colon = member.indexOf(":");
  const history = /!(\d+\.\d+\.\d+@\d+)$/.exec(member.slice(0, Math.max(0, colon)))?.[1];
  return { history, payload: member.slice(colon + 1) };
}
