import { type Burst, type Course, reached, spillway } from "./simulate.ts";

/** What a burst has come to on the Lambda emulator of the tests. */
export interface Emulated {
  /** Drains that were live, whenever someone looked, by time since the tick, ms. */
  readonly ramp: Course["ramp"];
  readonly emptyMs: number;
  /** Of each invocation: from the call to the function's begin, ms, which on this machine is the start of a process. */
  readonly startsMs: readonly number[];
  readonly roundTripMs: number;
}

/** How far the simulation and what is measured may be apart, beyond what processes need to start: each at most so many times the other. */
const factorMax = 3;

export interface Compared {
  readonly what: string;
  readonly simulatedMs: number;
  readonly measuredMs: number;
  /** By how much starts that were slower than the middle one may move it, ms. */
  readonly startsMs: number;
  readonly isNear: boolean;
}

/** What a start took in the middle of all, ms. */
export function startMsOf({ startsMs }: Pick<Emulated, "startsMs">): number {
  return startsMs.toSorted((a, b) => a - b)[Math.floor(startsMs.length / 2)] ?? 0;
}

/** Simulates the same burst where processes start as the middle one did, and holds the two together. */
export function compare(burst: Omit<Burst, "platform">, measured: Emulated): Compared[] {
  const { startsMs, roundTripMs } = measured;
  const startMs = startMsOf(measured);
  const platform = { name: "the emulator", startMs, roundTripMs, earliestOf: () => 0 };
  const simulated = spillway({ ...burst, platform });
  // A wave has come when the last of it has.
  const oddMs = Math.max(...startsMs) - startMs;
  const between = (course: Pick<Course, "ramp">): number => {
    const most = reached({ ...simulated, ramp: course.ramp }, burst.maxConcurrency);
    const first = reached({ ...simulated, ramp: course.ramp }, 1);
    return most === null || first === null ? Number.POSITIVE_INFINITY : most - first;
  };
  const waveCount = Math.ceil(Math.log(burst.maxConcurrency) / Math.log(5));
  return [
    row(`from 1 to ${burst.maxConcurrency} live`, between(simulated), between(measured), waveCount * oddMs),
    row("until all are handled", simulated.emptyMs, measured.emptyMs, (waveCount + 1) * oddMs),
  ];
}

function row(what: string, simulatedMs: number, measuredMs: number, startsMs: number): Compared {
  const isNear =
    measuredMs <= factorMax * simulatedMs + startsMs && simulatedMs <= factorMax * measuredMs + startsMs;
  return { what, simulatedMs, measuredMs, startsMs, isNear };
}
