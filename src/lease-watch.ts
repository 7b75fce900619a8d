import type { Batch } from "./broker.ts";
import type { Clock } from "./clock.ts";
import type { Stopper } from "./deadline.ts";

export interface LeaseWatch {
  readonly signal: AbortSignal;
  isStopped(): boolean;
  remainingMs(): number;
  dispose(): void;
}

/** Part of a lease kept at its end for settling what did finish. */
export const leaseReserveShare = 4;

/** Time for one batch: until the drain stops or, if sooner, a little before its lease ends. */
export function watchLease(batch: Batch, stopper: Stopper, clock: Clock): LeaseWatch {
  const leftMs = batch.leaseEndsAt - clock.now();
  const stopAt = clock.now() + leftMs - leftMs / leaseReserveShare;
  if (leftMs - leftMs / leaseReserveShare >= stopper.remainingMs()) {
    return {
      signal: stopper.signal,
      isStopped: () => stopper.isStopped,
      remainingMs: () => stopper.remainingMs(),
      dispose: () => undefined,
    };
  }
  const controller = new AbortController();
  const cancel = clock.after(stopAt - clock.now(), () =>
    controller.abort(new DOMException("The lease of this batch ends.", "AbortError")),
  );
  const signal = AbortSignal.any([stopper.signal, controller.signal]);
  return {
    signal,
    isStopped: () => stopper.isStopped || clock.now() >= stopAt,
    remainingMs: () => Math.max(0, Math.min(stopper.remainingMs(), stopAt - clock.now())),
    dispose: cancel,
  };
}
