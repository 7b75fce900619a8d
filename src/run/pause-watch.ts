import type { Batch, TurnResult } from "../broker/broker.ts";
import * as limits from "../limits.ts";
import { countThatRequestsAllow } from "./claim-plan.ts";
import type { RunParts } from "./run-parts.ts";

/**
 * Sees within a second that the list was paused. Turns tell it, and where batches are short nothing else is sent. Only
 * where a message is about to begin, and nothing was heard for so long, Redis is asked: once a second at most.
 */
export class PauseWatch {
  readonly #run: RunParts;
  #heardAt: number;
  /** While Redis is asked: all messages wait for it, so that they begin in their order. */
  #asking: Promise<void> | undefined;

  constructor(run: RunParts) {
    this.#run = run;
    this.#heardAt = run.startedAt;
  }

  note({ claim, others }: TurnResult): void {
    if (claim === "paused") this.#run.stopper.isHeldBack = true;
    // A turn that did not look around says nothing of a pause, nor does the plain engine's.
    if (others) this.#heardAt = this.#run.clock.now();
  }

  /** What a message of this batch is to wait for before it begins, if anything. Never rejects. */
  beforeBegin(batch: Batch): Promise<void> | undefined {
    if (this.#asking) return this.#asking;
    const { clock, broker, stopper } = this.#run;
    const now = clock.now();
    if (now - this.#heardAt < limits.pauseMs || stopper.isStopped || stopper.isHeldBack) return undefined;
    if (countThatRequestsAllow(this.#run, batch) < 1) return undefined;
    this.#heardAt = now;
    const asking = new Promise<void>((resolve) => {
      const goOn = (): void => {
        // An answer that comes late ends no later question.
        if (this.#asking === asking) this.#asking = undefined;
        resolve();
      };
      // A Redis that does not answer holds up no message for long.
      const cancel = clock.after(limits.pauseMs, goOn);
      const hear = (isPaused: boolean): void => {
        stopper.isHeldBack ||= isPaused;
        cancel();
        goOn();
      };
      broker.isPaused().then(hear, () => hear(false));
    });
    this.#asking = asking;
    return asking;
  }
}
