import type { ClaimRequest } from "../broker.ts";
import type { TurnReply } from "./turn-reply.ts";
import type { TurnClaim } from "./turn-request.ts";

/** How much a claim asks for. Of one drain; its runs learn from each other. */
export class ClaimSize {
  /** The part of what may be asked for that is asked for. */
  #share = 1;
  /** Bytes of the largest message of the last batch; 0 where the list was then empty, or nothing was claimed yet. */
  #sizeHint = 0;

  bounds(request: ClaimRequest, bytesMax: number): Pick<TurnClaim, "countMax" | "bytesMax" | "sizeHint"> {
    return {
      countMax: Math.ceil(request.countMax * this.#share),
      bytesMax: Math.ceil(bytesMax * this.#share),
      sizeHint: this.#sizeHint,
    };
  }

  learn({ claimed, messages, remaining }: TurnReply): void {
    if (claimed !== "served") return;
    this.#share = Math.min(1, this.#share * 2);
    this.#sizeHint = remaining === 0 ? 0 : Math.max(0, ...messages.map(({ length }) => length));
  }

  /** The last claim was too large for a request or a reply, or for its time: the next one asks for half as much. */
  halve(): void {
    this.#share = Math.max(this.#share / 2, 1 / 1_024);
  }
}
