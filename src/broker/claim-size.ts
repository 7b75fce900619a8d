import type { ClaimRequest } from "./broker.ts";
import type { TurnReply } from "./turn-reply.ts";
import type { TurnClaim } from "./turn-request.ts";

/** How much a claim asks for. Of one drain; its runs learn from each other. */
export class ClaimSize {
  /** The part of what may be asked for that is asked for. At its least it is one message, whatever the largest batch is. */
  #share = 1;
  /**
   * Bytes of the largest message of the last batches, each earlier one counting a quarter of the next: sizes that vary are
   * expected to vary on. 0 where the list was then empty, or nothing was claimed yet.
   */
  #sizeHint = 0;

  bounds(request: ClaimRequest, bytesMax: number): Pick<TurnClaim, "countMax" | "bytesMax" | "sizeHint"> {
    const bytes = Math.ceil(bytesMax * this.#share);
    return {
      countMax: Math.ceil(request.countMax * this.#share),
      bytesMax: bytes,
      // What was too large for its time is best popped one by one.
      sizeHint: this.#share < 1 ? Math.max(bytes, this.#sizeHint) : this.#sizeHint,
    };
  }

  learn({ claimed, largest, remaining }: TurnReply): void {
    if (claimed !== "served") return;
    this.#share = Math.min(1, this.#share * 2);
    this.#sizeHint = remaining === 0 ? 0 : Math.max(this.#sizeHint >> 2, largest);
  }

  /** The last claim was too large for a request or a reply, or for its time: the next one asks for half as much. */
  halve(): void {
    this.#share = Math.max(this.#share / 2, 1e-4);
  }
}
