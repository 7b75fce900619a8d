import type { Batch } from "../broker/broker.ts";
import type { Clock } from "../clock.ts";
import { SpillwayError } from "../errors.ts";
import type { Stopper } from "./deadline.ts";

export interface LeaseWatch {
  /** Aborted at the stop. It is this batch's own signal, so that no listener outlives the batch. */
  readonly signal: AbortSignal;
  isStopped(): boolean;
  remainingMs(): number;
  dispose(): void;
}

/** A lease divided by this is kept at its end for settling. */
export const leaseReserveShare = 4;

/** The time of one batch: until the drain stops or, if that is sooner, until a little before its lease ends. */
export function watchLease(batch: Pick<Batch, "leaseEndsAt">, stopper: Stopper, clock: Clock): LeaseWatch {
  const leftMs = batch.leaseEndsAt - clock.now();
  const stopAt = clock.now() + leftMs - leftMs / leaseReserveShare;
  const endsSooner = stopAt - clock.now() < stopper.remainingMs();
  const controller = new AbortController();
  const forget = stopper.onStop((reason) => controller.abort(reason));
  const cancel = endsSooner
    ? clock.after(stopAt - clock.now(), () =>
        controller.abort(new DOMException("The lease of this batch is about to end.", "AbortError")),
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
    "The lease ended before any message of the batch could begin, so all of them return to the list. Give a longer leaseMs.",
  );
}

export function stoodStill(): SpillwayError {
  return new SpillwayError(
    "stood-still",
    "This process stood still until the lease of its batch had ended. No message of it has begun, and all return to the list.",
  );
}
