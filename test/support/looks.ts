import * as limits from "../../src/limits.ts";

/** Commands that a drain may spend on looking around in a run so long: on a slow machine it does so more often. */
export function commandsOfLooks({ elapsedMs }: { readonly elapsedMs: number }): number {
  return 6 * Math.floor(elapsedMs / limits.quietMs);
}
