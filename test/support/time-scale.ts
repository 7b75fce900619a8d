import { spawnSync } from "node:child_process";

/** What the work below takes on two idle cores of today, ms. */
const referenceMs = 250;
/** Beyond this a machine is not slow but stuck. */
const timeScaleMax = 20;

/**
 * Turns a time on two idle cores into the time of this machine now, with whatever else runs on it: whole ms, never fewer than
 * were given. The machine is measured by arithmetic and by starts of processes. Each file about real time asks anew: a
 * machine's load changes during a run.
 */
export function measureTimeScale(): (idleMs: number) => number {
  const startedAt = performance.now();
  calculate();
  for (let start = 0; start < 2; start++) spawnSync(process.execPath, ["--eval", "0"]);
  const scale = Math.min(timeScaleMax, Math.max(1, (performance.now() - startedAt) / referenceMs));
  return (idleMs) => Math.ceil(idleMs * scale);
}

function calculate(): number {
  let state = 1;
  for (let round = 0; round < 30_000_000; round++) state = Math.imul(state, 1_664_525) + 1_013_904_223;
  return state;
}
