/** Members with scores, in the order of score, then of bytes. */
export class SortedSet {
  readonly #scores = new Map<string, number>();
  #sorted: [member: string, score: number][] | undefined;

  get size(): number {
    return this.#scores.size;
  }

  score(member: string): number | undefined {
    return this.#scores.get(member);
  }

  set(member: string, score: number): void {
    this.#scores.set(member, score);
    this.#sorted = undefined;
  }

  remove(member: string): boolean {
    this.#sorted = undefined;
    return this.#scores.delete(member);
  }

  /** All members, sorted. The result is kept until something changes. */
  entries(): readonly [member: string, score: number][] {
    // Strings compare by code unit, which is by byte here.
    this.#sorted ??= [...this.#scores].sort(([a, left], [b, right]) => left - right || (a < b ? -1 : 1));
    return this.#sorted;
  }
}

/** A score as Redis prints it. */
export function printScore(score: number): string {
  if (score === Number.POSITIVE_INFINITY) return "inf";
  if (score === Number.NEGATIVE_INFINITY) return "-inf";
  if (Number.isInteger(score) && Math.abs(score) < 1e17) return String(Object.is(score, -0) ? "-0" : score);
  return String(score).replace(/e([+-])(\d)$/, "e$10$2");
}
