import type { WorldKind } from "./messages.ts";
import type { ChildPlace, Death } from "./orders.ts";

const kinds = ["probe", "claim", "turn", "settle"] as const;
/** Where a process can be killed: before a request is sent, and after it ran. */
export const boundaries = kinds.flatMap((kind) =>
  (["before", "after"] as const).map((when) => ({ kind, when })),
);
const problemCountMax = 20;

/** What the kills have come to. */
export class Figures {
  readonly problems: string[] = [];
  readonly #killCounts = new Map<string, number>();
  randomKillCount = 0;
  redisKillCount = 0;
  worldCount = 0;
  pushedCount = 0;
  lostCount = 0;
  runCount = 0;
  cutShortCount = 0;
  failedCount = 0;
  effectCount = 0;
  readonly worldCounts = new Map<WorldKind, number>();
  unexplainedCount = 0;
  lateBatchCount = 0;
  recoveredBatchCount = 0;
  errorCount = 0;
  attemptMax = 0;
  /** Drains that others have started beside themselves, hops, and how many were live at once at most. */
  startedCount = 0;
  hopCount = 0;
  liveMax = 0;
  #restCount = 0;

  problem(text: string): void {
    if (this.problems.length < problemCountMax) this.problems.push(text);
  }

  kill(at: Death | null, client: ChildPlace["client"]): void {
    if (client === "upstash") this.#restCount += 1;
    if (at === null) this.randomKillCount += 1;
    else this.#killCounts.set(nameOf(at), (this.#killCounts.get(nameOf(at)) ?? 0) + 1);
  }

  missedBoundaries(): string[] {
    return boundaries.map(nameOf).filter((name) => !this.#killCounts.has(name));
  }

  toLine(): string {
    const at = (kind: Death["kind"], when: Death["when"]): number =>
      this.#killCounts.get(nameOf({ kind, when })) ?? 0;
    const hits = kinds.map((kind) => `${kind} ${at(kind, "before")}+${at(kind, "after")}`);
    const boundaryCount = [...this.#killCounts.values()].reduce((sum, count) => sum + count, 0);
    const childCount = boundaryCount + this.randomKillCount;
    const duplicateCount = this.runCount - this.failedCount - this.pushedCount;
    const worlds = [...this.worldCounts].map(([kind, count]) => `${count} ${kind}`).join(", ");
    const share = ((100 * duplicateCount) / Math.max(1, this.pushedCount)).toFixed(2);
    return [
      `${childCount + this.redisKillCount} kills in ${this.worldCount} worlds (${worlds}; before+after ${hits.join(", ")}, ` +
        `any moment ${this.randomKillCount}, Redis ${this.redisKillCount}; ${this.#restCount} of a process over REST)`,
      `${this.pushedCount} messages, ${this.lostCount} lost, ${this.runCount} runs, ${this.failedCount} failed, ${this.cutShortCount} cut short, ` +
        `${duplicateCount} duplicates (${share}%), ${this.unexplainedCount} unexplained`,
      `${this.effectCount} effects, each once`,
      `${this.recoveredBatchCount} batches recovered, ${this.lateBatchCount} of a living drain that was late`,
      `${this.startedCount} drains started by others and ${this.hopCount} hops, up to ${this.liveMax} live at once`,
      `highest attempt ${this.attemptMax}, ${this.errorCount} drains ended by an error`,
    ].join("; ");
  }
}

function nameOf({ kind, when }: Pick<Death, "kind" | "when">): string {
  return `${when} ${kind}`;
}
