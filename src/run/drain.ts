import type { Batch, ClaimRequest, Settlement, TurnResult } from "../broker/broker.ts";
import { goOnAndTell } from "../chain/continuation.ts";
import { sleep } from "../clock.ts";
import { asError } from "../handling/guest.ts";
import { type Outcome, outcomes } from "../handling/outcome.ts";
import { processBatch } from "../handling/processor.ts";
import { type Failure, shareOf } from "../handling/retry-policy.ts";
import * as limits from "../limits.ts";
import type { Scaler } from "../scale/scale-out.ts";
import { batchMsMax, countThatRequestsAllow, grownCount } from "./claim-plan.ts";
import { leaseTooShort, stoodStill } from "./lease-watch.ts";
import { Pace } from "./pace.ts";
import { PauseWatch } from "./pause-watch.ts";
import { type DrainReport, ReportBuilder, type StopReason } from "./report.ts";
import type { RunParts } from "./run-parts.ts";

/** One run: claim → process → turn … → continue. All control flow is here; the rest decides or acts. Never rejects. */
export async function runDrain(parts: RunParts): Promise<DrainReport> {
  return new Run(parts).toReport();
}

/** Nothing was claimed, and why. */
interface Pause {
  readonly reason: StopReason;
}

class Run {
  readonly #parts: RunParts;
  readonly #report: ReportBuilder;
  readonly #pace: Pace;
  readonly #scaler: Scaler | undefined;
  readonly #pauses: PauseWatch;
  /** Processed and not yet settled, oldest first: at most two, with prefetch. */
  readonly #unsettled: Settlement[] = [];
  /** The exchange under way while handlers run. */
  #ahead: Promise<Batch | Pause | null> | null = null;
  /** Whether a whole batch was given back by its handlers: claimed again now, it would only be given back again. */
  #isGivenBack = false;
  /** What Redis refused beside a batch that it gave: the run ends with it when that batch is settled. */
  #problem: Error | null = null;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.#report = new ReportBuilder(parts.meter);
    this.#pauses = new PauseWatch(parts);
    const { paceUs } = parts.chain;
    this.#pace = new Pace(paceUs);
    if (paceUs !== undefined) this.#learn(limits.batchCount);
    this.#scaler = parts.scaleOut?.(parts, this.#pace, this.#report);
  }

  async toReport(): Promise<DrainReport> {
    let stopped: StopReason;
    try {
      stopped = await this.#drain();
    } catch (error) {
      stopped = "error";
      this.#report.error = asError(error);
      await this.#settleWhatIsLeft();
    }
    const { untilTold, stopper } = this.#parts;
    if (untilTold) await stopper.untilLeft(untilTold());
    await this.#continue(stopped);
    return this.#report.finish(stopped, this.#parts.clock.now() - this.#parts.startedAt);
  }

  async #drain(): Promise<StopReason> {
    const { broker, prefetch, stopper, chain } = this.#parts;
    if (stopper.wasAborted) return "aborted";
    // Who called a hop by `wake` has marked the list until it claims.
    const found = await broker.look(chain.hop > 0, this.#parts.isShard);
    if (found === "empty") {
      this.#report.remaining = 0;
      return "empty";
    }
    if (found === "paused") return "paused";
    if (found !== "work") {
      this.#report.nextDueAt = found.busyUntil;
      return "busy";
    }
    let next = await this.#exchange(null);
    while (isBatch(next)) {
      const current = next;
      // Nothing else may be in hand while messages run that have been in crashes: they might take it with them.
      const isSuspect = current.messages.some(({ crashes }) => crashes > 0);
      if (isSuspect) await this.#settleAll();
      // While these handlers run, the batch before is settled and the one after is claimed. Once stopped, none will run:
      // then this batch is given back, and before the one before.
      const claimsAhead = prefetch === 1 && !isSuspect && !stopper.isStopped;
      const processing = this.#mayShowPace(claimsAhead) ? this.#process(current) : null;
      const isDone = processing !== null && (await this.#endsWithin(processing));
      const ahead = claimsAhead && !isDone ? this.#exchange(current) : null;
      // It is awaited below; until then a rejection must not count as unhandled.
      this.#ahead = ahead?.catch(() => null) ?? null;
      this.#unsettled.push(await (processing ?? this.#process(current)));
      const claimedAhead = await ahead;
      this.#ahead = null;
      next = claimedAhead && isBatch(claimedAhead) ? claimedAhead : await this.#exchange(null);
    }
    return next.reason;
  }

  /**
   * Settles the oldest unsettled batch and claims the next, in one request. `running` is the batch whose handlers run
   * meanwhile, if any.
   */
  async #exchange(running: Batch | null): Promise<Batch | Pause> {
    const { broker } = this.#parts;
    const settlement = this.#unsettled[0] ?? null;
    const { count, reason } = this.#claimSize(running);
    const isKnownEmpty = running !== null && settlement === null && this.#report.remaining === 0;
    if (count === 0 || isKnownEmpty) {
      await this.#settleAll();
      return { reason };
    }
    const request = { ...this.#claimRequest(count), isAhead: running !== null };
    const result = settlement
      ? await broker.turn(settlement, request)
      : await broker.claim({ ...request, holds: running ?? undefined });
    this.#note(result, settlement);
    if (result.claim !== "not-served" || running) return result.batch ?? pauseAfter(result);
    // The lease was lost, and the slot with it, or there is more to recover first: claim as a newcomer would.
    return this.#exchange(null);
  }

  /** How many messages to claim now; 0 with the reason why none. */
  #claimSize(running: Batch | null): { count: number; reason: StopReason } {
    const { stopper, maxMessages } = this.#parts;
    const batchSize = this.#parts.batchSize ?? this.#parts.learned.batchCount;
    if (this.#problem) throw this.#problem;
    if (stopper.isStopped) return { count: 0, reason: stopper.wasAborted ? "aborted" : "budget" };
    if (stopper.isHeldBack) return { count: 0, reason: "paused" };
    const allowed = maxMessages - this.#report.claimed;
    if (allowed <= 0 || this.#parts.mayClaim?.() === false) return { count: 0, reason: "limit" };
    if (this.#isGivenBack) return { count: 0, reason: "empty" };
    const fitting = this.#pace.countThatFits(stopper.remainingMs()) - (running?.messages.length ?? 0);
    this.#countElsewhere();
    const affordable = countThatRequestsAllow(this.#parts, running);
    if (fitting < 1 || affordable < 1) return { count: 0, reason: "budget" };
    return { count: Math.min(batchSize, allowed, fitting, affordable), reason: "empty" };
  }

  #claimRequest(countMax: number): ClaimRequest {
    const { clock, deadline, leaseMs } = this.#parts;
    // No handler of this run can be waited for longer, so no lease need be.
    const leaseMsMax = Math.ceil(deadline.endAt - clock.now()) + limits.leaseMarginMs;
    return {
      countMax,
      countsRemaining: this.#scaler?.counts(),
      leaseMs: Math.min(leaseMs ?? batchMsMax(this.#parts, countMax), leaseMsMax),
    };
  }

  async #process(batch: Batch): Promise<Settlement> {
    const { clock, stopper, processor } = this.#parts;
    const startedAt = clock.now();
    const beforeBegin = (outcomes: readonly Outcome[]) => {
      this.#scaler?.guess(outcomes, clock.now() - startedAt);
      return this.#pauses.beforeBegin(batch);
    };
    const { ranCount, failures, oldestMs, ...processed } = await processBatch(batch, stopper, {
      ...processor,
      beforeBegin,
    });
    if (oldestMs !== null) this.#report.oldestMs = Math.max(this.#report.oldestMs ?? 0, oldestMs);
    for (const failure of failures) this.#tellFailure(failure);
    this.#pace.note(ranCount, processor.concurrency, clock.now() - startedAt);
    this.#learn(batch.messages.length);
    if (ranCount === 0 && !stopper.isStopped && !stopper.isHeldBack) {
      this.#unsettled.push({ batch, ...processed });
      throw clock.now() < batch.leaseEndsAt ? leaseTooShort() : stoodStill();
    }
    this.#isGivenBack = processed.outcomes.every(({ kind }) => kind === "release");
    return { batch, ...processed };
  }

  #learn(lastCount: number): void {
    const { learned, processor } = this.#parts;
    if (processor.handler) learned.batchCount = grownCount(this.#pace, lastCount);
  }

  /** Whether the first batch may show how quick its messages are, for a moment: then the next claim need not be blind. */
  #mayShowPace(claimsAhead: boolean): boolean {
    const { batchSize, processor } = this.#parts;
    return claimsAhead && this.#pace.paceUs === undefined && batchSize === undefined && !!processor.handler;
  }

  #endsWithin(processing: Promise<unknown>): Promise<boolean> {
    const moment = sleep(this.#parts.clock, limits.firstBatchMs).then(() => false);
    return Promise.race([processing.then(() => true), moment]);
  }

  #tellFailure(failure: Failure): void {
    this.#report.failures.add(failure);
    this.#parts.onFailure?.(failure);
  }

  #note(result: TurnResult, settlement: Settlement | null): void {
    if (settlement) this.#unsettled.splice(this.#unsettled.indexOf(settlement), 1);
    this.#pauses.note(result);
    this.#report.add(result, settlement);
    this.#scaler?.note(result);
    this.#countElsewhere();
    for (const { effects } of settlement?.outcomes ?? [])
      if (effects?.failed) this.#tellFailure(effects.failed.failure);
    if (result.problem && !result.batch) throw result.problem;
    this.#problem ??= result.problem;
  }

  #countElsewhere(): void {
    const { meter, requestsPerMessage, requestsBeside } = this.#parts;
    const beside = this.#report.started + (requestsBeside?.() ?? 0);
    meter.elsewhere = this.#report.claimed * requestsPerMessage + beside;
  }

  async #settleAll(): Promise<void> {
    for (const settlement of this.#inSettlingOrder()) {
      this.#note(await this.#parts.broker.settle(settlement), settlement);
    }
  }

  /**
   * What is given back goes to the right end, and the oldest must end outermost: then the newest first. Else the oldest
   * first, since more of it has been handled.
   */
  #inSettlingOrder(): Settlement[] {
    const [oldest] = this.#unsettled;
    const givesBack = oldest?.outcomes.some(({ kind }) => kind === "release");
    return givesBack ? [...this.#unsettled].reverse() : [...this.#unsettled];
  }

  /** After an error: what has been handled is still worth telling Redis, once, and harmless to tell it twice. */
  async #settleWhatIsLeft(): Promise<void> {
    const ahead = await this.#ahead;
    if (ahead && isBatch(ahead)) {
      const released = ahead.messages.map(() => outcomes.release);
      this.#unsettled.push({ batch: ahead, outcomes: released, isMarked: [] });
    }
    for (const settlement of this.#inSettlingOrder()) {
      try {
        this.#note(await this.#parts.broker.settle(settlement), settlement);
      } catch {
        // The first error is in the report; what was not settled returns when its lease ends.
        if (this.#unsettled.includes(settlement)) this.#report.unsettled += settlement.outcomes.length;
      }
    }
  }

  async #continue(stopped: StopReason): Promise<void> {
    const { continuation, processor, deadline, chain, onEnd } = this.#parts;
    const { progressCount, retriedCount, remaining, nextDueAt, leftUntil, redisNow } = this.#report;
    const ending = { stopped, progressCount, retriedCount, remaining, nextDueAt, leftUntil, redisNow };
    onEnd?.(ending);
    if (await this.#scaler?.ended(stopped)) return;
    const { list, policy } = processor;
    const onward = {
      ...this.#parts,
      list,
      chain: { ...chain, paceUs: this.#pace.paceUs },
      endAt: deadline.endAt,
      random: () => shareOf(policy),
    };
    Object.assign(this.#report, await goOnAndTell(continuation, ending, onward));
  }
}

function isBatch(next: Batch | Pause): next is Batch {
  return "messages" in next;
}

function pauseAfter(result: TurnResult): Pause {
  return { reason: result.claim === "served" || result.claim === "not-served" ? "empty" : result.claim };
}
