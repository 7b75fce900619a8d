import type { ClaimRequest } from "../broker.ts";
import type { TurnReply } from "./turn-reply.ts";

/** How many messages a claim asks for: no more than twice what bytes have let through lately. */
export class ClaimSize {
  /** Bytes cut the last claim to this many messages. */
  #countThatFitted = Number.POSITIVE_INFINITY;

  countMax(request: ClaimRequest): number {
    return Math.max(1, Math.min(request.countMax, this.#countThatFitted * 2));
  }

  /** `asked`: how many messages the claim asked for; 0 where there was none. */
  learn(asked: number, { messages, remaining }: TurnReply): void {
    const wasCut = messages.length > 0 && messages.length < asked && (remaining ?? 0) > 0;
    this.#countThatFitted = wasCut ? messages.length : this.#countThatFitted * 2;
  }

  /** So many were too large for a request or a reply: the next claim asks for half as many. */
  halve(asked: number): void {
    this.#countThatFitted = Math.floor(asked / 2) / 2;
  }
}
