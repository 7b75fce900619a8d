import { type Continuation, startChain } from "../chain/continuation.ts";
import type { ChainPosition } from "../chain/hop.ts";
import type { Clock } from "../clock.ts";
import { describe } from "../handling/guest.ts";
import * as limits from "../limits.ts";
import { helperId, type Outlook, slotOf, slotsToStart } from "./scale.ts";

export interface ChainStarterParts {
  readonly continuation: Continuation | undefined;
  /** The name of the list, or the common name of several. */
  readonly list: string;
  /** The place of the drain that starts others. */
  readonly chain: ChainPosition;
  /** How many chains there may be at once. */
  readonly chainsMax: number;
  readonly clock: Clock;
  /** When the budget of that drain ends, on the clock. */
  readonly endAt: number;
  /** From 0 to 1, not 1. */
  readonly random: () => number;
  readonly randomId: () => string;
  /** The result, for the report: how many were started, and why one was not. */
  readonly told: { started: number; declined: string | null };
}

/** Starts chains beside the one that runs, and notes the result. */
export class ChainStarter {
  readonly #parts: ChainStarterParts;
  readonly #starting: Promise<void>[] = [];
  #asked = 0;

  constructor(parts: ChainStarterParts) {
    this.#parts = parts;
  }

  /**
   * Starts so many chains while the drain goes on, and tells them how long a message takes, ms. Where no other drain is live,
   * this one starts what chain 0 would: the others' branches then lead to all numbers. Never throws.
   */
  start(count: number, { msPerMessage, live }: Pick<Outlook, "msPerMessage" | "live">): void {
    const { continuation, list, chain, chainsMax, clock, endAt, random, randomId, told } = this.#parts;
    const { maxHops = limits.hopMax } = continuation ?? {};
    const hop = chain.hop + 1;
    if (!continuation) return;
    if (!(hop <= maxHops)) {
      told.declined = `No other drain was started: hop ${chain.hop} of this chain is the last, since maxHops is ${maxHops}.`;
      return;
    }
    const paceUs = Math.min(limits.paceUsMax, Math.round(msPerMessage * 1_000));
    const onward = { clock, random, randomId, endAt: Math.min(endAt, clock.now() + limits.waveMs) };
    const from = live === 1 ? 0 : slotOf(chain.id);
    for (const slot of slotsToStart(from, count, this.#asked, chainsMax)) {
      // Async, so that a randomId that throws harms no batch.
      const begin = async () => {
        const place = { id: helperId(chain, randomId(), slot), hop, paceUs };
        return startChain(continuation, { list, chain: place }, onward);
      };
      this.#starting.push(this.#told(begin()));
    }
    this.#asked += count;
  }

  /** Resolves when all of them are started or have failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#starting);
  }

  /** A chain that could not be started does not fail the run: the next wave or the next tick tries again. */
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
