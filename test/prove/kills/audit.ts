import type { Figures } from "./figures.ts";
import type { Claim, History } from "./history.ts";
import { keyOf, type WorldKind } from "./messages.ts";
import { holderOf } from "./watched-client.ts";

interface AuditParts {
  readonly name: string;
  readonly kind: WorldKind;
  readonly redisKills: number;
  readonly figures: Figures;
}

/** Holds one world's history against its processes' notes. */
export class Audit {
  readonly #history: History;
  readonly #parts: AuditParts;
  readonly #killed: ReadonlySet<string>;
  /** Batches that their own drain gave back in part, and those it was told it had lost. */
  readonly #odd: ReadonlySet<string>;
  readonly #lost: ReadonlySet<string>;
  /** Drains whose report says that they left a batch to its lease: by an error, as a lost lease, unsettled, or left behind. */
  readonly #left: ReadonlySet<string>;
  readonly #notes: readonly string[][];
  readonly #runs: readonly string[][];
  readonly #ran = new Set<string>();
  readonly #ended: ReadonlySet<string>;
  readonly #failed: ReadonlySet<string>;
  readonly #handled = new Set<string>();
  readonly #batchesBack = new Set<string>();
  readonly #batchesLate = new Set<string>();

  constructor(history: History, notes: readonly string[][], killed: ReadonlySet<string>, parts: AuditParts) {
    const of = (word: string): string[][] => notes.filter(([first]) => first === word);
    this.#history = history;
    this.#parts = parts;
    this.#killed = killed;
    this.#odd = new Set(of("odd").map(([, batch]) => batch as string));
    this.#lost = new Set(of("lost").map(([, batch]) => batch as string));
    this.#left = new Set(of("left").map(([, holder]) => holder as string));
    this.#notes = notes;
    this.#runs = of("run");
    this.#ended = new Set(of("end").map(([, payload, batch]) => `${payload} ${batch}`));
    this.#failed = new Set(of("fail").map(([, payload, batch]) => `${payload} ${batch}`));
  }

  run(pushedCount: number): void {
    const { figures } = this.#parts;
    for (const problem of this.#history.problems) this.#problem(problem);
    for (const batch of this.#history.earlyReturns) {
      if (!this.#odd.has(batch)) this.#problem(`${batch} was recovered before its lease had ended.`);
    }
    for (const run of this.#runs) this.#checkRun(run);
    for (let at = 0; at < pushedCount; at++) this.#checkMessage(`m${at}`);
    this.#checkLost();
    this.#checkRunOrder();
    figures.pushedCount += pushedCount;
    figures.liveMax = Math.max(figures.liveMax, this.#history.watch.liveMax);
    figures.runCount += this.#runs.length;
    figures.cutShortCount += this.#ran.size - this.#ended.size - this.#failed.size;
    figures.failedCount += this.#failed.size;
    figures.recoveredBatchCount += this.#batchesBack.size;
    figures.lateBatchCount += this.#batchesLate.size;
  }

  #problem(text: string): void {
    this.#parts.figures.problem(`${this.#parts.name}: ${text}`);
  }

  /** Each run belongs to a claim, no two to the same, and its attempt is 1 and the crashes before it. */
  #checkRun([, child, payload = "", attempt, batch = ""]: string[]): void {
    const what = `${payload} of ${batch}, attempt ${attempt}`;
    const claims = this.#history.claims.get(payload) ?? [];
    const at = claims.findIndex((claim) => claim.batch === batch);
    if (at < 0 || ownerOf(batch) !== child) this.#problem(`${what}: it ran in ${child} without a claim.`);
    if (at < 0 || this.#ran.has(`${payload} ${batch}`)) this.#parts.figures.unexplainedCount += 1;
    if (this.#ran.has(`${payload} ${batch}`)) this.#problem(`${what}: it ran twice in one claim.`);
    this.#ran.add(`${payload} ${batch}`);
    const back = claims.slice(0, Math.max(0, at)).filter(({ end }) => end === "returned");
    const attemptMax = 1 + back.length;
    const attemptMin = 1 + back.filter((claim) => !this.#odd.has(claim.batch)).length;
    if (Number(attempt) < attemptMin || Number(attempt) > attemptMax) {
      this.#problem(`${what}: the attempt must be from ${attemptMin} to ${attemptMax}.`);
    }
    this.#parts.figures.attemptMax = Math.max(this.#parts.figures.attemptMax, Number(attempt));
  }

  /** Acknowledged once, after its handler had ended; and back in the list only for a kill, or for a drain that was late. */
  #checkMessage(payload: string): void {
    const claims = this.#history.claims.get(payload) ?? [];
    if (this.#history.isThere(payload)) {
      this.#problem(`${payload} is not lost, and was not handled in time.`);
      return;
    }
    const acked = claims.filter(({ end }) => end === "acked");
    if (acked.length !== 1) this.#problem(`${payload} was acknowledged ${acked.length} times.`);
    if (!claims.some(({ batch }) => this.#ended.has(`${payload} ${batch}`))) {
      this.#parts.figures.lostCount += 1;
      this.#problem(`${payload} was never handled.`);
    }
    for (const claim of claims) {
      const name = `${payload} ${claim.batch}`;
      if (claim.end === "open") this.#problem(`${name} is still claimed.`);
      if (claim.end === "acked" && !this.#ended.has(name))
        this.#problem(`${name}: acknowledged, not handled.`);
      if (claim.end === "returned") this.#checkReturn(payload, claim);
    }
  }

  #checkReturn(payload: string, claim: Claim): void {
    const { batch, claimedEpoch, endedEpoch, endedAt } = claim;
    const name = `${payload} ${batch}`;
    if (this.#odd.has(batch) && (this.#failed.has(name) || !this.#ran.has(name))) return;
    this.#batchesBack.add(batch);
    // An odd epoch: Redis is being killed. A later one: it was killed in between.
    if (claimedEpoch !== endedEpoch || claimedEpoch % 2 === 1) return;
    const owner = ownerOf(batch);
    const diedAt = this.#history.deathsAt.get(owner);
    const isNotedElsewhere = this.#parts.redisKills > 0 && this.#killed.has(owner);
    if (isNotedElsewhere || (diedAt !== undefined && diedAt <= endedAt)) return;
    this.#batchesLate.add(batch);
    if (diedAt === undefined && !this.#lost.has(batch) && !this.#left.has(holderOf(batch))) {
      this.#parts.figures.unexplainedCount += 1;
      this.#problem(
        `${payload} was taken from ${batch} of a living drain, which never told of it; its lease had ${claim.isLate ? "" : "not "}ended.`,
      );
    }
  }

  /**
   * By the order of the notes, the handlers of a key: a message begins when all before it have been handled, and none begins
   * while another runs, but for what a dead drain held, or one that was late.
   */
  #checkRunOrder(): void {
    const nextOf = new Map<string, number>();
    const running = new Map<string, string[]>();
    for (const [word, ...rest] of this.#notes) {
      const [payload = "", batch = ""] = word === "run" ? [rest[1], rest[3]] : rest;
      const key = /^(run|end|fail)$/.test(word ?? "") && keyOf(this.#parts.kind, payload);
      if (!key) continue;
      const others = running.get(key) ?? [];
      const name = `${payload} ${batch}`;
      const number = Number(payload.slice(1));
      if (word === "run") {
        const meanwhile = others.filter((other) => !this.#isBack(other));
        if (meanwhile.length > 0) this.#problem(`${name} began while ${meanwhile.join(" and ")} ran.`);
        for (let at = nextOf.get(key) ?? 0; at < number; at++) {
          if (keyOf(this.#parts.kind, `m${at}`) === key && !this.#handled.has(`m${at}`))
            this.#problem(`${name} began before m${at} was handled.`);
        }
        nextOf.set(key, Math.max(nextOf.get(key) ?? 0, number));
        running.set(key, [...others, name]);
      } else {
        if (word === "end") this.#handled.add(payload);
        running.set(
          key,
          others.filter((other) => other !== name),
        );
      }
    }
  }

  /** Whether a message was taken from a batch by those who came after it, as what a drain gave back in part was too if late. */
  #isBack(name: string): boolean {
    const [payload = "", batch] = name.split(" ");
    const claim = this.#history.claims.get(payload)?.find((one) => one.batch === batch);
    return claim?.end === "returned" && (claim.isLate || !this.#odd.has(claim.batch));
  }

  /** A drain that was told its lease is lost has lost it. A settle repeated past a Redis' death may not know. */
  #checkLost(): void {
    if (this.#parts.redisKills > 0) return;
    for (const claims of this.#history.claims.values()) {
      for (const { batch, end } of claims) {
        if (this.#lost.has(batch) && end === "acked")
          this.#problem(`${batch} was acknowledged and called lost.`);
      }
    }
  }
}

/** The process that a batch belongs to: a batch id begins with the id its drain was given. */
function ownerOf(batch: string): string {
  return batch.slice(0, Math.max(0, batch.indexOf("_")));
}
