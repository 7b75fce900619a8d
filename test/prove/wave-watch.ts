import type { ChainPosition, NextDrain } from "../../src/index.ts";
import { waveMs } from "../../src/limits.ts";
import { slotOf } from "../../src/scale/scale.ts";

/** What one process has been told of the live drains since it last started others, and when that was. */
interface Sight {
  least: number;
  most: number;
  startedAt: number;
  /** Whether that was the first time. */
  isFirst: boolean;
  /** Live drains when it last started others. */
  before: number;
  count: number;
}

/** What one drain starts at once, at most. */
const helpersMax = 4;
/** No process's clock is faster than this. */
const clockRateMax = 1.05;

/**
 * Watches who starts drains beside itself: never more than may live, its own share of them only, and none until those
 * that were started before have come or a wave's time is over.
 */
export class WaveWatch {
  readonly #sights = new Map<string, Sight>();
  readonly #sendIds = new Set<string>();
  /** The hop with which each chain that was started began, by its id. */
  readonly #firstHops = new Map<string, number>();
  readonly #maxConcurrency: number;
  readonly #violations: string[];

  constructor(maxConcurrency: number, violations: string[]) {
    this.#maxConcurrency = maxConcurrency;
    this.#violations = violations;
  }

  /** A turn of a process has seen so many live drains, itself among them. */
  noteLive(process: string, live: number): void {
    const sight = this.#sightOf(process);
    sight.least = Math.min(sight.least, live);
    sight.most = Math.max(sight.most, live);
  }

  /** A process, which runs a drain of `own` chain where it was invoked, starts another one. */
  noteStart(
    process: string,
    own: ChainPosition | undefined,
    { sendId, chain }: NextDrain,
    now: number,
  ): void {
    if (this.#sendIds.has(sendId)) return;
    this.#sendIds.add(sendId);
    this.#firstHops.set(chain.id, chain.hop);
    const slot = slotOf(chain.id);
    if (!(slot < this.#maxConcurrency))
      this.#violate(process, `the chain ${chain.id}, whose number is too high`);
    const sight = this.#sightOf(process);
    if (sight.startedAt !== now) this.#beginWave(process, sight, now);
    sight.count += 1;
    const missing = this.#maxConcurrency - sight.before;
    // A chain that begins starts its own branches, whatever others do.
    const isBranch = sight.isFirst && own !== undefined && this.#firstHops.get(own.id) === own.hop;
    const share = Math.min(helpersMax, isBranch ? missing : Math.ceil(missing / sight.before));
    if (sight.count > share) {
      this.#violate(process, `${sight.count} others, with ${sight.before} live of ${this.#maxConcurrency}`);
    }
  }

  #beginWave(process: string, sight: Sight, now: number): void {
    const isOver = now - sight.startedAt >= waveMs / clockRateMax;
    if (!isOver && sight.most <= sight.before) {
      this.#violate(process, `others again after ${Math.round(now - sight.startedAt)} ms`);
    }
    const isFirst = sight.startedAt === Number.NEGATIVE_INFINITY;
    Object.assign(sight, { before: sight.least, startedAt: now, isFirst, count: 0, ...unseen });
  }

  #sightOf(process: string): Sight {
    let sight = this.#sights.get(process);
    if (!sight) {
      sight = { ...unseen, startedAt: Number.NEGATIVE_INFINITY, isFirst: true, before: 0, count: 0 };
      this.#sights.set(process, sight);
    }
    return sight;
  }

  #violate(process: string, what: string): void {
    this.#violations.push(`${process} started ${what}`);
  }
}

const unseen = { least: Number.POSITIVE_INFINITY, most: 0 } as const;
