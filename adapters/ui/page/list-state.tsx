import type { DrainStats } from "../../../src/index.ts";
import { Icon, type IconName } from "./icons.tsx";

interface Shown {
  readonly icon: IconName;
  readonly text: string;
  /** How much it asks for somebody's eyes. */
  readonly tone: "quiet" | "active" | "warning";
}

/** What a list is doing, in a word: the first that applies. */
function stateOf(stats: DrainStats): Shown {
  if (stats.paused) return { icon: "paused", text: "Paused", tone: "warning" };
  if (stats.brakedUntil !== null) return { icon: "braked", text: "Braked", tone: "warning" };
  if (stats.working > 0) return { icon: "draining", text: "Draining", tone: "active" };
  if (stats.list > 0) return { icon: "waiting", text: "Waiting", tone: "quiet" };
  if (stats.delayed + stats.parked > 0) return { icon: "waiting", text: "Delayed", tone: "quiet" };
  return { icon: "idle", text: "Idle", tone: "quiet" };
}

export function StateChip({ stats }: { stats: DrainStats }) {
  const { icon, text, tone } = stateOf(stats);
  return (
    <span class={`chip ${tone}`}>
      <Icon name={icon} />
      {text}
    </span>
  );
}
