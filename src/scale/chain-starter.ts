import { type Continuation, startChain } from "../chain/continuation.ts";
import type { ChainPosition } from "../chain/hop.ts";
import type { Clock } from "../clock.ts";
import { describe } from "../handling/guest.ts";
import * as limits from "../limits.ts";
import { helperId, slotOf, slotsToStart } from "./scale.ts";

export interface ChainStarterParts {
  readonly continuation: Continuation | undefined;
  /** The name of the list, or of several lists' whole. */
  readonly list: string;
  /** Of the drain that starts others. */
  readonly chain: ChainPosition;
  /** Chains that there may be at once. */
  readonly chainsMax: number;
  readonly clock: Clock;
  /** When the budget of that drain ends, on the clock. */
  readonly endAt: number;
  /** From 0 to 1, not 1. */
  readonly random: () => number;
  readonly randomId: () => string;
  /** Where it is written what came of it: how many were started, and why the last one was not that could not be. */
  readonly told: { started: number; declined: string | null };
}

/** Starts chains beside one, and knows what came of it. */
export class ChainStarter {
  readonly #parts: ChainStarterParts;
  readonly #starting: Promise<void>[] = [];
  #asked = 0;

  constructor(parts: ChainStarterParts) {
    this.#parts = parts;
  }

  /** Starts so many, beside all else, and tells them what a message takes, ms. Never throws. */
  start(count: number, msPerMessage: number): void {
    const { continuation, list, chain, chainsMax, clock, endAt, random, randomId } = this.#parts;
    const { maxHops = limits.hopMax } = continuation ?? {};
    const hop = chain.hop + 1;
    if (!continuation || !(hop <= maxHops)) return;
    const paceUs = Math.min(limits.paceUsMax, Math.round(msPerMessage * 1_000));
    const onward = { clock, random, randomId, endAt: Math.min(endAt, clock.now() + limits.waveMs) };
    for (const slot of slotsToStart(slotOf(chain.id), count, this.#asked, chainsMax)) {
      // Async, so that a randomId that throws harms no batch.
      const begin = async () => {
        const place = { id: helperId(chain, randomId(), slot), hop, paceUs };
        return startChain(continuation, { list, chain: place }, onward);
      };
      this.#starting.push(this.#told(begin()));
    }
    this.#asked += count;
  }

  /** Resolves when all is told. */
  async settled(): Promise<void> {
    await Promise.all(this.#starting);
  }

  /** One that could not be started is no failure: the next wave tries again, or the next tick. */
  async #told(starting: ReturnType<typeof startChain>): Promise<void> {
    const { told } = this.#parts;
    try {
      const said = await starting;
      if (said === "continued") told.started += 1;
      else told.declined = `No other drain was started: ${said.declined}`;
    } catch (error) {
      told.declined = `No other drain was started: ${describe(error).message}`;
    }
  }
}
