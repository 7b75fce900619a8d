import type { ClaimRequest } from "./broker.ts";
import type { TurnReply } from "./turn-reply.ts";
import type { TurnClaim } from "./turn-request.ts";

/** How much a claim asks for. Each drain has one, so that its runs learn from each other. */
export class ClaimSize {
  /** Which part of the allowed size is asked for. It may become as small as one message. */
  #share = 1;
  /**
   * Bytes of the largest message of the last batches, where each batch counts a quarter of the one after it, since sizes that
   * vary will go on to vary. 0 where the list was empty or nothing was claimed yet.
   */
  #sizeHint = 0;

  bounds(request: ClaimRequest, bytesMax: number): Pick<TurnClaim, "countMax" | "bytesMax" | "sizeHint"> {
    const bytes = Math.ceil(bytesMax * this.#share);
    return {
      countMax: Math.ceil(request.countMax * this.#share),
      bytesMax: bytes,
      // Messages that were too large for their time are best popped one by one.
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
