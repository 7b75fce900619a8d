import type { NextDrain } from "../../src/index.ts";
import { waveMs } from "../../src/limits.ts";

/** What one process has been told of the live drains since it last started others, and when that was. */
interface Sight {
  least: number;
  most: number;
  startedAt: number;
  /** Live drains when it last started others. */
  before: number;
  count: number;
}

/** No process's clock is faster than this. */
const clockRateMax = 1.05;

/**
 * Watches who starts drains beside itself: never more than may live, its own share of them only, and none until those
 * that were started before have come or a wave's time is over.
 */
export class WaveWatch {
  readonly #sights = new Map<string, Sight>();
  readonly #sendIds = new Set<string>();
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

  noteStart(process: string, { sendId, chain }: NextDrain, now: number): void {
    if (this.#sendIds.has(sendId)) return;
    this.#sendIds.add(sendId);
    const slot = Number(/~(\d+)$/.exec(chain.id)?.[1]);
    if (!(slot < this.#maxConcurrency))
      this.#violate(process, `the chain ${chain.id}, whose number is too high`);
    const sight = this.#sightOf(process);
    if (sight.startedAt !== now) this.#beginWave(process, sight, now);
    sight.count += 1;
    const share = Math.min(3, Math.ceil((this.#maxConcurrency - sight.before) / sight.before));
    if (sight.count > share) {
      this.#violate(process, `${sight.count} others, with ${sight.before} live of ${this.#maxConcurrency}`);
    }
  }

  #beginWave(process: string, sight: Sight, now: number): void {
    const isOver = now - sight.startedAt >= waveMs / clockRateMax;
    if (!isOver && sight.most <= sight.before) {
      this.#violate(process, `others again after ${Math.round(now - sight.startedAt)} ms`);
    }
    Object.assign(sight, { before: sight.least, startedAt: now, count: 0, ...unseen });
  }

  #sightOf(process: string): Sight {
    let sight = this.#sights.get(process);
    if (!sight) {
      sight = { ...unseen, startedAt: Number.NEGATIVE_INFINITY, before: 0, count: 0 };
      this.#sights.set(process, sight);
    }
    return sight;
  }

  #violate(process: string, what: string): void {
    this.#violations.push(`${process} started ${what}`);
  }
}

const unseen = { least: Number.POSITIVE_INFINITY, most: 0 } as const;
