import { type Continuation, type Ending, goOn, type NextDrain, type Onward } from "../continuation.ts";
import type { DrainReport } from "../report.ts";

/** What one list's drain wanted of the continuation: a drain at once, or in so many ms. */
interface Wish {
  readonly inMs: number | null;
  readonly paceUs: number | undefined;
}

/**
 * The continuation of the drains of the shards. What they ask for while a run goes on is kept, for the run asks once for all
 * of them; what a push or a `wake` asks for goes on at once, in the name of the whole list.
 */
export class NextDrainOfAll {
  readonly #real: Continuation;
  readonly #list: string;
  /** The wishes of each run, by the id that its drains have for their chain. */
  readonly #wishes = new Map<string, Map<string, Wish>>();
  readonly ofShard: Continuation;

  constructor(real: Continuation, list: string) {
    this.#real = real;
    this.#list = list;
    const later = real.invokeLater && {
      invokeLater: (next: NextDrain & { readonly inMs: number }) =>
        this.#take(next, next.inMs) ?? (real.invokeLater?.({ ...next, list }) as Promise<null>),
    };
    this.ofShard = {
      name: real.name,
      invoke: (next) => this.#take(next, null) ?? real.invoke({ ...next, list }),
      ...later,
    };
  }

  begin(runId: string): void {
    this.#wishes.set(runId, new Map());
  }

  /** What a list wanted counts no more: it is drained again. */
  forget(runId: string, shard: string): void {
    this.#wishes.get(runId)?.delete(shard);
  }

  end(runId: string): void {
    this.#wishes.delete(runId);
  }

  /** Invokes the next drain where one of the lists wants it, or where some were not visited although much was done. */
  async goOn(
    runId: string,
    isCutShort: boolean,
    onward: Onward,
  ): Promise<Pick<DrainReport, "continuedWith" | "declined">> {
    const wishes = [...(this.#wishes.get(runId)?.values() ?? [])];
    const isNow = isCutShort || wishes.some(({ inMs }) => inMs === null);
    const inMs = Math.min(...wishes.map((wish) => wish.inMs ?? Number.POSITIVE_INFINITY));
    if (!isNow && inMs === Number.POSITIVE_INFINITY) return { continuedWith: null, declined: null };
    const paceUs = wishes.find((wish) => wish.paceUs !== undefined)?.paceUs;
    const chain = { ...onward.chain, ...(paceUs !== undefined && { paceUs }) };
    const said = await goOn(this.#real, isNow ? atOnce : laterBy(inMs), {
      ...onward,
      chain,
      list: this.#list,
    });
    const declined = typeof said === "string" ? null : said.declined;
    return { continuedWith: said === "continued" ? this.#real.name : null, declined };
  }

  #take({ list, chain }: NextDrain, inMs: number | null): Promise<null> | undefined {
    const wishes = this.#wishes.get(chain.id);
    wishes?.set(list, { inMs, paceUs: chain.paceUs });
    return wishes && Promise.resolve(null);
  }
}

const none = {
  progressCount: 0,
  retriedCount: 0,
  remaining: null,
  nextDueAt: null,
  leftUntil: null,
  redisNow: null,
};

/** An ending after which a drain goes on at once. */
const atOnce: Ending = { ...none, stopped: "budget", progressCount: 1 };

function laterBy(inMs: number): Ending {
  return { ...none, stopped: "empty", remaining: 0, nextDueAt: inMs, redisNow: 0 };
}
