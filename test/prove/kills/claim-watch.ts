import { keyLimit, keyOf, limit, maxConcurrencyOf, type WorldKind } from "./messages.ts";

interface Counted {
  readonly at: number;
  readonly window: string;
  readonly count: number;
}

/** Holds each claim against what an operator told the drains of a list, and against how many of them may be live. */
export class ClaimWatch {
  isPaused = false;
  /** Drains that were live at once, at most. */
  liveMax = 0;
  readonly #kind: WorldKind;
  readonly #problems: string[];
  /** Claims of the last window of the list's limit. */
  #lastClaims: Pick<Counted, "at" | "count">[] = [];
  /** The same of each key, and the end of the window that runs, as Redis holds it. */
  readonly #lastOf = new Map<string, Counted[]>();
  #window = "";
  #isOver = false;

  constructor(kind: WorldKind, problems: string[]) {
    this.#kind = kind;
    this.#problems = problems;
  }

  /** Fields and values that were written to the hash of what keys have used up. */
  noteRates(fields: readonly string[]): void {
    for (let at = 0; at < fields.length; at += 2)
      if (fields[at] === "endsAt") this.#window = fields[at + 1] as string;
  }

  /** Nothing is limited or paused any more. */
  end(): void {
    this.#isOver = true;
    this.isPaused = false;
  }

  /** A batch was claimed at a moment of Redis' clock; `leases` are those of all batches, with their ends. */
  noteClaim(at: number, payloads: readonly string[], leases: ReadonlyMap<string, number>): void {
    if (this.isPaused) this.#problems.push(`${payloads.length} messages were claimed of a paused list.`);
    this.#checkLive(at, leases);
    if (this.#isOver) return;
    if (this.#kind === "limited") this.#checkLimit({ at, count: payloads.length });
    if (this.#kind === "keyLimits") this.#checkKeys(at, payloads);
  }

  #checkLive(at: number, leases: ReadonlyMap<string, number>): void {
    const live = new Set(
      [...leases].filter(([, end]) => end > at).map(([id]) => id.slice(0, id.lastIndexOf("."))),
    );
    this.liveMax = Math.max(this.liveMax, live.size);
    if (live.size > maxConcurrencyOf(this.#kind))
      this.#problems.push(`${live.size} drains were live at once: ${[...live].join(", ")}.`);
  }

  /** In any window no more than two windows' worth. */
  #checkLimit(claim: Pick<Counted, "at" | "count">): void {
    this.#lastClaims.push(claim);
    this.#lastClaims = this.#lastClaims.filter(({ at }) => at > claim.at - limit.windowMs);
    const sum = sumOf(this.#lastClaims);
    if (sum > 2 * limit.messages)
      this.#problems.push(
        `${sum} messages were claimed in ${limit.windowMs} ms, and ${limit.messages} may be.`,
      );
  }

  /** The same of each key, in the window that Redis knows no more than one window's worth, and in a batch what may be in flight. */
  #checkKeys(at: number, payloads: readonly string[]): void {
    const counts = new Map<string, number>();
    for (const payload of payloads) {
      const key = keyOf(this.#kind, payload);
      if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const [key, count] of counts) {
      const claims = (this.#lastOf.get(key) ?? []).filter((claim) => claim.at > at - keyLimit.windowMs);
      claims.push({ at, window: this.#window, count });
      this.#lastOf.set(key, claims);
      const inWindow = sumOf(claims.filter(({ window }) => window === this.#window));
      if (count > keyLimit.inFlight)
        this.#problems.push(
          `${count} messages of ${key} were in flight, and ${keyLimit.inFlight} may be: ${payloads.join(" ")}.`,
        );
      if (inWindow > keyLimit.messages || sumOf(claims) > 2 * keyLimit.messages)
        this.#problems.push(
          `${inWindow} messages of ${key} in a window, ${sumOf(claims)} in its time, and ${keyLimit.messages} may be claimed.`,
        );
    }
  }
}

function sumOf(claims: readonly Pick<Counted, "count">[]): number {
  return claims.reduce((sum, { count }) => sum + count, 0);
}
