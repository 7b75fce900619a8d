/** A moment, epoch ms, as people read it; "-" for none, and the number for one that no calendar has. */
export function moment(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "-";
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

/** How long something takes, in the largest unit that leaves a whole number to read. */
export function duration(ms: number): string {
  const size = Math.abs(ms);
  if (size < 10_000) return `${Math.round(ms)} ms`;
  if (size < 600_000) return `${Math.round(ms / 1_000)} s`;
  if (size < 36_000_000) return `${Math.round(ms / 60_000)} min`;
  return size < 864_000_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`;
}
