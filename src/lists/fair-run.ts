import type { Ending } from "../chain/continuation.ts";
import type { Clock } from "../clock.ts";
import { RedisTransportError } from "../errors.ts";
import { asError } from "../handling/guest.ts";
import * as limits from "../limits.ts";
import type { DrainReport, StopReason } from "../run/report.ts";

/** Longest time that one list runs before the others are looked at, ms. Reason: later would be unfair, and each look is a command. */
const sliceMsMax = 1_000;
/** A slice needs at least this many requests. Reason: those that are kept for its end, and a claim. */
const requestsMin = 10;

/** What a drain gets for its slice of a run over several lists. */
export interface SliceOptions {
  /** The rest of the whole run's budget, ms. */
  readonly budgetMs: number;
  readonly maxMessages: number;
  readonly maxRequests: number;
  /** How many of its requests other slices have sent since it began. */
  readonly requestsBeside: () => number;
  /** Asked before each claim. Once it is false, the slice ends when its running handlers have ended. */
  readonly mayClaim: () => boolean;
}

/** The result of a slice. */
export interface Slice {
  readonly report: DrainReport;
  readonly ending: Ending;
}

/** One of several drains that share a run. */
export interface Member {
  readonly name: string;
  /** Its share of the time while all have work, in proportion to the others' weights. */
  readonly weight: number;
  /** Never rejects. */
  run(options: SliceOptions): Promise<Slice>;
}

/** A question about a member: `any`, whether there may be work; `new`, whether there are messages that can be claimed now. */
export interface Question {
  readonly member: Member;
  readonly about: "any" | "new";
}

/** What is kept from run to run of the same members, while their process lives. */
export interface Turns {
  /** The member whose turn is next. */
  at: number;
  /** How much of its time each member has left, ms; below 0 where a batch took longer. */
  readonly credits: Map<string, number>;
}

export interface FairRunParts {
  readonly members: readonly Member[];
  /** Whether the first member with work is always next. Otherwise they take turns, each as long as its weight says. */
  readonly isStrict: boolean;
  /** Returns the members for which the answer is yes, with few commands: only one where it is no for all. */
  readonly look: (questions: readonly Question[]) => Promise<readonly Member[]>;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly endAt: number;
  readonly maxMessages: number;
  readonly maxRequests: number;
  /** How many of them one message's handler sends. */
  readonly requestsPerMessage: number;
  /** Requests sent so far outside the slices: for looks, and to start others. */
  readonly requestsBeside: () => number;
  readonly isAborted: () => boolean;
}

export interface FairRun {
  readonly slices: ReadonlyMap<string, readonly Slice[]>;
  /** Whether every member without a slice was seen empty. */
  readonly isAllSeen: boolean;
  /** Why it ended while there was more to do; null where there was not. */
  readonly stopped: StopReason | null;
  readonly error: Error | null;
}

/**
 * Runs several drains within one budget, one slice of time after another: in strict order, or by weights, so that none starves.
 * One that is busy, paused, braked or limited, or that fails, holds up no other. A member goes on beyond its slice until a look
 * finds work of others. Never rejects.
 */
export function runFairly(parts: FairRunParts): Promise<FairRun> {
  return new Runs(parts).toEnd();
}

/** How one member stands. */
interface Place {
  readonly member: Member;
  readonly slices: Slice[];
  hasWork: boolean;
  /** What the next look asks about it; null while it rests. */
  about: Question["about"] | null;
  /** When its rest is over, on the clock. */
  restsUntil: number;
}

class Runs {
  readonly #parts: FairRunParts;
  readonly #places: readonly Place[];
  /** How long a member runs before the others are looked at, ms: short enough for two turns of each in a run. */
  readonly #sliceMs: number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #error: Error | null = null;

  constructor(parts: FairRunParts) {
    this.#parts = parts;
    const count = parts.members.length;
    const shareMs = (parts.endAt - parts.clock.now()) / (2 * Math.max(1, count));
    this.#sliceMs = Math.max(1, Math.min(sliceMsMax, shareMs));
    this.#places = parts.members.map((member) => ({
      member,
      slices: [],
      hasWork: false,
      about: "any",
      restsUntil: Number.POSITIVE_INFINITY,
    }));
  }

  async toEnd(): Promise<FairRun> {
    let stopped: StopReason | null;
    try {
      stopped = await this.#run();
    } catch (error) {
      stopped = "error";
      this.#error ??= asError(error);
    }
    const slices = new Map(
      this.#places
        .filter((one) => one.slices.length > 0)
        .map((one) => [one.member.name, one.slices] as const),
    );
    // Who could not look has seen nothing.
    const hasSeen = stopped !== "error" && Number.isFinite(this.#lookedAt);
    const isAllSeen = hasSeen && this.#places.every((one) => !one.hasWork);
    return { slices, stopped, error: this.#error, isAllSeen };
  }

  async #run(): Promise<StopReason | null> {
    const { clock, endAt, isAborted } = this.#parts;
    for (;;) {
      if (isAborted()) return "aborted";
      if (clock.now() >= endAt) return "budget";
      await this.#lookAround();
      const place = this.#next();
      if (!place) return null;
      const ended = await this.#slice(place);
      if (ended) return ended;
    }
  }

  /** Looks at the members that are not known to have work, if it is time to, or if nothing else is left to do. */
  async #lookAround(): Promise<void> {
    const { isStrict, clock } = this.#parts;
    const isIdle = this.#places.every((one) => !one.hasWork);
    const isTime = isStrict || clock.now() - this.#lookedAt >= this.#sliceMs;
    if (isIdle || isTime) await this.#look(this.#places);
  }

  async #look(places: readonly Place[]): Promise<boolean> {
    const now = this.#parts.clock.now();
    const asked: Question[] = [];
    for (const place of places) {
      if (now >= place.restsUntil)
        Object.assign(place, { about: "any", restsUntil: Number.POSITIVE_INFINITY });
      if (!place.hasWork && place.about) asked.push({ member: place.member, about: place.about });
    }
    this.#lookedAt = now;
    const found = new Set(asked.length > 0 ? await this.#parts.look(asked) : []);
    for (const place of places) place.hasWork ||= found.has(place.member);
    return found.size > 0;
  }

  /** The next member: the first with work or, by weights, the next in turn with time left. Where none has time left, all get more. */
  #next(): Place | undefined {
    const { isStrict, turns } = this.#parts;
    const working = this.#places.filter(({ hasWork }) => hasWork);
    if (isStrict || working.length === 0) return working[0];
    const weightMax = Math.max(...working.map(({ member }) => member.weight));
    const count = this.#places.length;
    for (;;) {
      for (let step = 0; step < count; step++) {
        const at = (turns.at + step) % count;
        const place = this.#places[at] as Place;
        if (!place.hasWork || this.#creditOf(place) <= 0) continue;
        turns.at = at;
        return place;
      }
      // Gives out as many rounds at once as it takes until one of them has time left.
      const rounds = Math.min(
        ...working.map(
          (one) => (1 - this.#creditOf(one)) / ((this.#sliceMs * one.member.weight) / weightMax),
        ),
      );
      for (const one of working) {
        const quantum = (this.#sliceMs * one.member.weight) / weightMax;
        turns.credits.set(one.member.name, this.#creditOf(one) + Math.max(1, rounds) * quantum);
      }
    }
  }

  #creditOf({ member }: Place): number {
    return this.#parts.turns.credits.get(member.name) ?? 0;
  }

  async #slice(place: Place): Promise<StopReason | null> {
    const { clock, endAt, turns, isStrict, requestsPerMessage } = this.#parts;
    const reports = this.#places.flatMap(({ slices }) => slices.map(({ report }) => report));
    const { claimed, requests } = spentBy(reports, requestsPerMessage);
    const besideAtStart = this.#parts.requestsBeside();
    const maxMessages = this.#parts.maxMessages - claimed;
    const maxRequests = this.#parts.maxRequests - requests - besideAtStart;
    if (maxMessages < 1) return "limit";
    if (maxRequests < requestsMin) return "budget";
    const startedAt = clock.now();
    const budgetMs = Math.floor(endAt - startedAt);
    if (budgetMs < 1) return "budget";
    const mayClaim = this.#untilOthersHaveWork(place, startedAt);
    const requestsBeside = (): number => this.#parts.requestsBeside() - besideAtStart;
    const slice = await place.member.run({ budgetMs, maxMessages, maxRequests, requestsBeside, mayClaim });
    place.slices.push(slice);
    const credit = this.#creditOf(place) - (clock.now() - startedAt);
    // A member without work saves no time for later.
    turns.credits.set(place.member.name, this.#noteEnd(place, slice) ? credit : Math.min(0, credit));
    if (!isStrict && credit <= 0) turns.at = (turns.at + 1) % this.#places.length;
    const { stopped, error } = slice.report;
    this.#error ??= error;
    if (stopped === "aborted" || stopped === "budget") return stopped;
    if (slice.report.claimed >= maxMessages) return "limit";
    // Where Redis cannot be reached for one list, it cannot be for the others.
    return stopped === "error" && error instanceof RedisTransportError ? "error" : null;
  }

  /** Notes what a slice says about the work that is left. Returns whether there is any. */
  #noteEnd(place: Place, { report }: Slice): boolean {
    const { stopped, remaining, nextDueAt } = report;
    place.hasWork = (stopped === "limit" && remaining !== 0) || stopped === "budget";
    if (place.hasWork) return true;
    // A member that looked full and gave no message twice rests for a moment: the answer may come from a replica that is behind.
    const isSeen = report.claimed > 0 || place.about === "any";
    const isEmpty = (stopped === "empty" || stopped === "limit") && remaining === 0;
    // Whatever waits there waits for its time, so until then only newly pushed messages matter.
    place.about = isEmpty && isSeen ? "new" : null;
    const mayWait = isEmpty || ["busy", "braked", "rate-limited", "held"].includes(stopped);
    const dueAt = mayWait ? (nextDueAt ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
    const soon = this.#parts.clock.now() + limits.failedWaitMs;
    place.restsUntil = isEmpty && !isSeen ? soon : Math.max(dueAt, soon);
    return false;
  }

  /** Lets a slice go on until others that come before it have work. They are asked each time a slice's time has passed. */
  #untilOthersHaveWork(place: Place, startedAt: number): () => boolean {
    const { clock, isStrict } = this.#parts;
    const at = this.#places.indexOf(place);
    const others = this.#places.filter((one, index) => (isStrict ? index < at : one !== place));
    const ownMs = isStrict ? this.#sliceMs : Math.max(1, this.#creditOf(place));
    let endAt = startedAt + ownMs;
    let isAsking = false;
    return () => {
      if (clock.now() < endAt) return true;
      if (others.some(({ hasWork }) => hasWork)) return false;
      if (!isAsking && others.length > 0) {
        isAsking = true;
        const wait = (): void => {
          isAsking = false;
          endAt = clock.now() + this.#sliceMs;
        };
        // An error is ignored here: the next request will meet it.
        this.#look(others).then(wait, wait);
      }
      return true;
    };
  }
}

/** What slices have used up, with the requests that the handlers of their messages have sent. */
export function spentBy(
  reports: readonly DrainReport[],
  requestsPerMessage: number,
): { claimed: number; requests: number } {
  const claimed = reports.reduce((sum, report) => sum + report.claimed, 0);
  const requests = reports.reduce((sum, report) => sum + report.requests, claimed * requestsPerMessage);
  return { claimed, requests };
}
