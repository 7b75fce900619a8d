import type { Script } from "../broker/evaluate.ts";
import { takePartScript } from "../broker/scripts/take-part.ts";
import { fromText } from "../bytes.ts";
import { sha1Hex } from "../digest.ts";
import { RedisReplyError } from "../errors.ts";
import * as limits from "../limits.ts";
import type { ByteString, RedisReply } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import type { StopReason } from "../run/report.ts";
import type { RunnerParts } from "../run/runner.ts";
import { ChainStarter, type ChainStarterParts } from "./chain-starter.ts";
import type { Outlook } from "./scale.ts";
import { isSurplus } from "./scale.ts";
import {
  guessOf,
  msPerMessageOf,
  type ScaleOut,
  type Scaler,
  scaleOut,
  surplusText,
  Waves,
} from "./scale-out.ts";

const takePart: Script = { source: takePartScript, sha: sha1Hex(takePartScript) };

export interface WholeScalerParts extends Omit<ChainStarterParts, "told"> {
  readonly withinMs: number;
  /** zset: chain → when its drain of these lists must have ended. */
  readonly drains: ByteString;
  readonly sender: Sender;
}

/** `given`: the option `scaleOut`. Returns undefined where no others are to be started. */
export function wholeScaler(
  given: boolean | ScaleOut | undefined,
  parts: Omit<WholeScalerParts, "withinMs">,
): WholeScaler | undefined {
  if (!given || !parts.continuation || parts.chainsMax < 2) return undefined;
  const { withinMs } = given === true ? scaleOut() : given;
  return new WholeScaler({ ...parts, withinMs });
}

interface Known {
  readonly key: ByteString;
  readonly maxConcurrency: number;
  /** How much of a drain's time a message takes, ms; undefined where that is not known. */
  msPerMessage: number | undefined;
}

/**
 * Starts other drains for one run over several lists: one decision for all lists, by the sum of what they hold. A drain holds a
 * lease on only one of the lists at a time, so Redis keeps a register of the drains at work. Each list's `maxConcurrency` stays
 * its bound. Each wave costs a request, and so does each second: five commands, and one for each list that has work. Where one
 * batch empties all lists it costs nothing.
 */
export class WholeScaler {
  readonly #parts: WholeScalerParts;
  readonly #starter: ChainStarter;
  readonly #waves: Waves;
  readonly #lists = new Map<string, Known>();
  /** Lists in which work was seen. */
  readonly #open = new Set<string>();
  #outlook: Outlook | undefined;
  #looking: Promise<void> | undefined;
  #takesPart = false;
  /** The result of starting others, for the report. */
  readonly told = { started: 0, declined: null as string | null };

  constructor(parts: WholeScalerParts) {
    this.#parts = parts;
    this.#waves = new Waves(parts.chain);
    this.#starter = new ChainStarter({ ...parts, told: this.told });
  }

  /** Notes the lists in which a look found work. */
  noteOpen(names: Iterable<string>): void {
    for (const name of names) if (this.#lists.has(name)) this.#open.add(name);
  }

  /** The part of it that sees one list's runs; undefined for a list that may not have more drains. */
  ofList({ settings, keys }: RunnerParts): ScaleOut | undefined {
    const { list, maxConcurrency, engine } = settings;
    if (engine !== "scripted") return undefined;
    const known: Known = { key: keys.list, maxConcurrency, msPerMessage: undefined };
    this.#lists.set(list, known);
    const { withinMs, clock } = this.#parts;
    const make: (...parts: Parameters<ScaleOut>) => Scaler = (run, pace, report) => ({
      counts: () => this.#outlook === undefined,
      note: ({ remaining, batch }) => {
        if (remaining === 0) this.#open.delete(list);
        else if (batch) this.#open.add(list);
        known.msPerMessage = msPerMessageOf(run, pace, report) ?? known.msPerMessage;
        if (batch && this.#open.size > 0 && !run.stopper.isStopped) this.#lookWhereDue();
      },
      guess: (outcomes, elapsedMs) => {
        if (known.msPerMessage !== undefined) return;
        known.msPerMessage = guessOf(outcomes, elapsedMs, run.processor.concurrency);
        if (known.msPerMessage !== undefined && this.#open.size > 0 && clock.now() < this.#parts.endAt)
          this.#lookWhereDue();
      },
      ended: async () => false,
    });
    return Object.assign(make, { withinMs });
  }

  /** Waits until all is started, and resolves with whether this chain ends here because the others suffice. Never rejects. */
  async ended(stopped: StopReason | null): Promise<boolean> {
    await this.#looking;
    await this.#starter.settled();
    const { drains, chain, sender } = this.#parts;
    if (this.#takesPart)
      await sender.pipelineOnce([["ZREM", drains, fromText(chain.id)]]).catch(() => undefined);
    if (stopped !== "budget" || !this.#outlook || this.#open.size === 0 || !isSurplus(this.#outlook))
      return false;
    this.told.declined = surplusText;
    return true;
  }

  #lookWhereDue(): void {
    const { clock, chain } = this.#parts;
    if (this.#looking || !this.#waves.isDue(clock.now())) return;
    // Before it is known how long a message takes, the drain only registers that it is at work.
    const isKnown = chain.paceUs !== undefined || this.#meanMs() !== undefined;
    if (this.#takesPart && !isKnown) return;
    this.#looking = this.#look()
      .catch(() => undefined)
      .then(() => {
        this.#looking = undefined;
        // Where this was refused or found nothing, the next decision is a second away, too.
        if (isKnown) this.#waves.putOff(clock.now());
      });
  }

  async #look(): Promise<void> {
    const { clock, chain, endAt, drains, sender, chainsMax, withinMs } = this.#parts;
    const names = this.#sample();
    const lists = names.map((name) => this.#lists.get(name) as Known);
    const args = [1, drains, fromText(chain.id), Math.ceil(endAt - clock.now()) + limits.leaseMarginMs];
    const lengths = lists.map(({ key }) => ["LLEN", key] as const);
    const ask = (...script: [string, string]): Promise<(RedisReply | RedisReplyError)[]> =>
      sender.pipelineOnce([[...script, ...args], ...lengths]);
    let [part, ...found] = await ask("EVALSHA", takePart.sha);
    if (part instanceof RedisReplyError && part.prefix === "NOSCRIPT")
      [part, ...found] = await ask("EVAL", takePart.source);
    this.#takesPart = true;
    const [live, rank] = Array.isArray(part) ? part : [];
    if (typeof live !== "number" || typeof rank !== "number") return;
    this.#waves.noteLive(live);
    // Where there are many lists, only some were asked, and these stand for all.
    const share = this.#open.size / names.length;
    const mean = this.#meanMs() ?? (chain.paceUs === undefined ? undefined : chain.paceUs / 1_000);
    let remaining = 0;
    let workMs = 0;
    let most = 0;
    for (const [at, { msPerMessage, maxConcurrency }] of lists.entries()) {
      const length = Number(found[at]) || 0;
      remaining += length * share;
      workMs += length * share * (msPerMessage ?? mean ?? 0);
      most += Math.min(maxConcurrency, length) * share;
    }
    if (mean === undefined || remaining === 0) return;
    const maxConcurrency = Math.max(1, Math.min(chainsMax, Math.ceil(most)));
    const msPerMessage = workMs / remaining;
    this.#outlook = { remaining, live, rank, maxConcurrency, msPerMessage, withinMs };
    const count = this.#waves.decide(this.#outlook, clock.now());
    if (count > 0) this.#starter.start(count, this.#outlook);
  }

  /** The mean time of a message, ms, over the lists where it is known. */
  #meanMs(): number | undefined {
    const known = [...this.#lists.values()].flatMap(({ msPerMessage }) => msPerMessage ?? []);
    return known.length > 0 ? known.reduce((sum, ms) => sum + ms, 0) / known.length : undefined;
  }

  /** Some of the lists with work, beginning with a random one. */
  #sample(): string[] {
    const open = [...this.#open];
    const start = Math.floor(this.#parts.random() * open.length);
    return [...open.slice(start), ...open.slice(0, start)].slice(0, limits.listsCountedMax);
  }
}
