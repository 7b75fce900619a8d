import { table, whole } from "../markdown.ts";
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

/** Simulates the same burst where processes start as the middle one did, and puts the two side by side. */
export function comparison(burst: Omit<Burst, "platform">, measured: readonly Emulated[]): string {
  const { maxConcurrency } = burst;
  const titles = [
    "burst",
    "start, ms",
    "round trip, ms",
    "",
    "simulated, ms",
    "measured, ms",
    "measured ÷ simulated",
  ];
  const rows = measured.flatMap((one, at) => {
    const startMs = one.startsMs.toSorted((a, b) => a - b)[Math.floor(one.startsMs.length / 2)] ?? 0;
    const { roundTripMs } = one;
    const platform = { name: "the emulator", startMs, roundTripMs, earliestOf: () => 0 };
    const simulated = spillway({ ...burst, platform });
    const about = [at === 0 ? "1, cold" : `${at + 1}, warm`, whole(startMs), roundTripMs.toFixed(1)];
    const line = (what: string, simulatedMs: number, measuredMs: number): string[] => [
      ...about,
      what,
      whole(simulatedMs),
      whole(measuredMs),
      (measuredMs / simulatedMs).toFixed(2),
    ];
    const between = ({ ramp }: Pick<Course, "ramp">): number =>
      (reached({ ...simulated, ramp }, maxConcurrency) ?? Number.NaN) -
      (reached({ ...simulated, ramp }, 1) ?? 0);
    return [
      line(`from 1 to ${maxConcurrency} live`, between(simulated), between(one)),
      line("until all are handled", simulated.emptyMs, one.emptyMs),
    ];
  });
  return table([titles, ...rows]);
}
