const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** A count where there is little room. */
export function showCompact(count: number): string {
  return count < 1_000 ? String(count) : compact.format(count);
}

/** A count, whole while it is short enough to read. */
export function showCount(count: number): string {
  return Math.abs(count) < 1_000_000 ? whole.format(count) : compact.format(count);
}

/** A change a minute, with its sign. */
export function showChange(perMinute: number): string {
  const rounded = Math.round(perMinute);
  if (rounded === 0) return "steady";
  return `${rounded > 0 ? "+" : "−"}${showCount(Math.abs(rounded))}/min`;
}

const spans = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** A span of time by its two largest units, such as `3 min 20 s`. */
export function showSpan(ms: number): string {
  let left = Math.max(0, ms);
  if (left < 1_000) return `${Math.round(left)} ms`;
  const parts: string[] = [];
  for (const [unit, size] of spans) {
    const count = Math.floor(left / size);
    if (count > 0) parts.push(`${whole.format(count)} ${unit}`);
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break;
    left -= count * size;
  }
  return parts.join(" ");
}

/** How long ago something was. */
export function showAgo(ms: number): string {
  return ms < 1_000 ? "just now" : `${showSpan(ms)} ago`;
}

export function showBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  return bytes < 1_048_576 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

/** A moment in the reader's own time zone; what is no moment, as an operator would find it in Redis. */
export function showMoment(epochMs: number): string {
  return isMoment(epochMs) ? clock.format(epochMs) : "not known";
}

function isMoment(epochMs: unknown): epochMs is number {
  return typeof epochMs === "number" && epochMs > 0 && epochMs <= 8.64e15;
}
