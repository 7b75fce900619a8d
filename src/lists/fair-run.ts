import type { Ending } from "../chain/continuation.ts";
import type { Clock } from "../clock.ts";
import { RedisTransportError } from "../errors.ts";
import { asError } from "../handling/guest.ts";
import * as limits from "../limits.ts";
import type { DrainReport, StopReason } from "../run/report.ts";

/** How long one goes on before the others are looked at, ms, at most. Reason: each look is a command. */
const sliceMsMax = 1_000;
/** Requests that a slice needs at least. Reason: those that are kept, and a claim. */
const requestsMin = 10;

/** What one of several drains is told for a slice of a run that they share. */
export interface SliceOptions {
  /** What is left of the whole, ms. */
  readonly budgetMs: number;
  readonly maxMessages: number;
  readonly maxRequests: number;
  /** How many of these others have sent since the slice began. */
  readonly requestsBeside: () => number;
  /** Asked before each claim: once false, the slice ends when what runs has ended. */
  readonly mayClaim: () => boolean;
}

/** What came of a slice. */
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

/** What is asked about a member: whether there may be work, or, as `new`, whether there are messages that may be claimed now. */
export interface Question {
  readonly member: Member;
  readonly about: "any" | "new";
}

/** What runs of the same members keep between them while their process lives. */
export interface Turns {
  /** The member whose turn is next. */
  at: number;
  /** What each has left of its time, ms; less than nothing where a batch took longer. */
  readonly credits: Map<string, number>;
}

export interface FairRunParts {
  readonly members: readonly Member[];
  /** Whether the first with work always comes first. Else they take turns, each as long as its weight says. */
  readonly isStrict: boolean;
  /** Which of them the answer is yes for; as few commands as it can, and one where it is no for all. */
  readonly look: (questions: readonly Question[]) => Promise<readonly Member[]>;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly endAt: number;
  readonly maxMessages: number;
  readonly maxRequests: number;
  /** What one message's handler takes of them. */
  readonly requestsPerMessage: number;
  /** Requests that were sent so far beside the slices: for looks, and to start others. */
  readonly requestsBeside: () => number;
  readonly isAborted: () => boolean;
}

export interface FairRun {
  readonly slices: ReadonlyMap<string, readonly Slice[]>;
  /** Whether what has no slice here has none to get: it was seen empty. */
  readonly isAllSeen: boolean;
  /** Why it ended before all members had nothing more; null where they had. */
  readonly stopped: StopReason | null;
  readonly error: Error | null;
}

/**
 * Runs several drains within one budget, a slice of time at a time: by strict order, or by weights, so that none starves. One
 * that is busy, paused, braked or limited, or fails by itself, holds up no other. Who had work last goes on beyond
 * its slice until a look at the others finds some. Never rejects.
 */
export function runFairly(parts: FairRunParts): Promise<FairRun> {
  return new Runs(parts).toEnd();
}

/** How one member stands. */
interface Place {
  readonly member: Member;
  readonly slices: Slice[];
  hasWork: boolean;
  /** What a look asks about it; null where it rests. */
  about: Question["about"] | null;
  /** When that is over, on the clock. */
  restsUntil: number;
}

class Runs {
  readonly #parts: FairRunParts;
  readonly #places: readonly Place[];
  /** How long a member goes on before the others are looked at, ms: all shall have two turns in a run. */
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

  /** Looks at those that are not known to have work, where it is time, or nothing else is left to do. */
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

  /** Who is next: the first with work, or the next in turn that has time left, when all have been given theirs. */
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
      // As many rounds at once as it takes until one of them has time left.
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
    // Who has nothing more to do saves no time up.
    turns.credits.set(place.member.name, this.#noteEnd(place, slice) ? credit : Math.min(0, credit));
    if (!isStrict && credit <= 0) turns.at = (turns.at + 1) % this.#places.length;
    const { stopped, error } = slice.report;
    this.#error ??= error;
    if (stopped === "aborted" || stopped === "budget") return stopped;
    if (slice.report.claimed >= maxMessages) return "limit";
    // Where Redis cannot be reached, it cannot be reached for the others.
    return stopped === "error" && error instanceof RedisTransportError ? "error" : null;
  }

  /** Notes what a slice says of what is left to do. Returns whether there is something. */
  #noteEnd(place: Place, { report }: Slice): boolean {
    const { stopped, remaining, nextDueAt } = report;
    place.hasWork = (stopped === "limit" && remaining !== 0) || stopped === "budget";
    if (place.hasWork) return true;
    // One that was seen twice without a message is left alone for a moment: who said so may be behind.
    const isSeen = report.claimed > 0 || place.about === "any";
    const isEmpty = (stopped === "empty" || stopped === "limit") && remaining === 0;
    // What waits there, if anything, waits for its time; only what is pushed can be claimed before that.
    place.about = isEmpty && isSeen ? "new" : null;
    const mayWait = isEmpty || ["busy", "braked", "rate-limited", "held"].includes(stopped);
    const dueAt = mayWait ? (nextDueAt ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
    const soon = this.#parts.clock.now() + limits.failedWaitMs;
    place.restsUntil = isEmpty && !isSeen ? soon : Math.max(dueAt, soon);
    return false;
  }

  /** Lets a slice go on until others that it must make room for have work: they are asked after each slice's time. */
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
        // An error ends nothing here: whoever is asked next meets it.
        this.#look(others).then(wait, wait);
      }
      return true;
    };
  }
}

/** What slices have used up, with what the handlers of their messages have sent. */
export function spentBy(
  reports: readonly DrainReport[],
  requestsPerMessage: number,
): { claimed: number; requests: number } {
  const claimed = reports.reduce((sum, report) => sum + report.claimed, 0);
  const requests = reports.reduce((sum, report) => sum + report.requests, claimed * requestsPerMessage);
  return { claimed, requests };
}
