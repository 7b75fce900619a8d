import type { Batch } from "../broker/broker.ts";
import type { Clock } from "../clock.ts";
import { SpillwayError } from "../errors.ts";
import type { Stopper } from "./deadline.ts";

export interface LeaseWatch {
  /** Aborted at the stop. Of this batch alone, so that nothing that listens outlives it. */
  readonly signal: AbortSignal;
  isStopped(): boolean;
  remainingMs(): number;
  dispose(): void;
}

/** Part of a lease kept at its end for settling what did finish. */
export const leaseReserveShare = 4;

/** Time for one batch: until the drain stops or, if sooner, a little before its lease ends. */
export function watchLease(batch: Pick<Batch, "leaseEndsAt">, stopper: Stopper, clock: Clock): LeaseWatch {
  const leftMs = batch.leaseEndsAt - clock.now();
  const stopAt = clock.now() + leftMs - leftMs / leaseReserveShare;
  const endsSooner = stopAt - clock.now() < stopper.remainingMs();
  const controller = new AbortController();
  const forget = stopper.onStop((reason) => controller.abort(reason));
  const cancel = endsSooner
    ? clock.after(stopAt - clock.now(), () =>
        controller.abort(new DOMException("The lease of this batch ends.", "AbortError")),
      )
    : () => undefined;
  return {
    signal: controller.signal,
    isStopped: () => stopper.isStopped || stopper.isHeldBack || (endsSooner && clock.now() >= stopAt),
    remainingMs: () =>
      endsSooner ? Math.max(0, Math.min(stopper.remainingMs(), stopAt - clock.now())) : stopper.remainingMs(),
    dispose: () => {
      forget();
      cancel();
    },
  };
}

export function leaseTooShort(): SpillwayError {
  return new SpillwayError(
    "lease-too-short",
    "The lease ended before any message of the batch could begin, so the batch was released. Give a longer leaseMs.",
  );
}

export function stoodStill(): SpillwayError {
  return new SpillwayError(
    "stood-still",
    "This process stood still until the lease of its batch had ended. No message has begun; all return to the list.",
  );
}
