import type { Batch, TurnResult } from "../broker/broker.ts";
import * as limits from "../limits.ts";
import { countThatRequestsAllow } from "./claim-plan.ts";
import type { RunParts } from "./run-parts.ts";

/**
 * Notices within a second that the list was paused. Turns tell it, so short batches need nothing more. Only where a message is
 * about to begin and no turn has told anything for a second, Redis is asked.
 */
export class PauseWatch {
  readonly #run: RunParts;
  #heardAt: number;
  /** The question to Redis that is under way. All messages wait for it, so that they begin in their order. */
  #asking: Promise<void> | undefined;

  constructor(run: RunParts) {
    this.#run = run;
    this.#heardAt = run.startedAt;
  }

  note({ claim, others }: TurnResult): void {
    if (claim === "paused") this.#run.stopper.isHeldBack = true;
    // A turn that did not look around, and any turn of the plain engine, says nothing about a pause.
    if (others) this.#heardAt = this.#run.clock.now();
  }

  /** What a message of this batch must wait for before it begins, if anything. Never rejects. */
  beforeBegin(batch: Batch): Promise<void> | undefined {
    if (this.#asking) return this.#asking;
    const { clock, broker, stopper } = this.#run;
    const now = clock.now();
    if (now - this.#heardAt < limits.pauseMs || stopper.isStopped || stopper.isHeldBack) return undefined;
    if (countThatRequestsAllow(this.#run, batch) < 1) return undefined;
    this.#heardAt = now;
    const asking = new Promise<void>((resolve) => {
      const goOn = (): void => {
        // A late answer must not end a later question.
        if (this.#asking === asking) this.#asking = undefined;
        resolve();
      };
      // Where Redis does not answer, messages do not wait for long.
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
