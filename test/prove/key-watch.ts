import type { Store } from "../../adapters/local/store/store.ts";
import type { ListKeys } from "../../src/redis/keys.ts";

/** Holds each claim by key against what one key may have: of any window its limit, and of a batch what may be in flight. */
export class KeyWatch {
  readonly #store: Store;
  readonly #keys: ListKeys;
  readonly #violations: string[];
  /** The highest that the limit has been: windows of before may touch one of now. */
  #limitMax = 0;
  /** key → its claims of late, each with the end of its window. */
  readonly #claims = new Map<
    string,
    { readonly at: number; readonly windowEndsAt: string; count: number }[]
  >();

  constructor(store: Store, keys: ListKeys, violations: string[]) {
    this.#store = store;
    this.#keys = keys;
    this.#violations = violations;
  }

  /** A batch was claimed; `keys` are those of its messages, undefined for one that has none. */
  noteClaim(id: string, keys: readonly (string | undefined)[], now: number): void {
    const { control, rates } = this.#keys;
    const told = this.#store.call(["HMGET", control, "keyLimit", "keyWindowMs", "keyInFlight"]) as string[];
    const [limit, windowMs, inFlight] = told.map(Number) as [number, number, number];
    const windowEndsAt = String(this.#store.call(["HGET", rates, "endsAt"]));
    for (const key of new Set(keys)) {
      if (key === undefined) continue;
      const count = keys.filter((one) => one === key).length;
      if (inFlight > 0 && count > inFlight)
        this.#violations.push(`${count} messages of ${key} in batch ${id}, and ${inFlight} may be in flight`);
      if (limit > 0) this.#noteRate(key, { at: now, windowEndsAt, count }, limit, windowMs);
    }
  }

  #noteRate(
    key: string,
    claim: { at: number; windowEndsAt: string; count: number },
    limit: number,
    windowMs: number,
  ): void {
    this.#limitMax = Math.max(this.#limitMax, limit);
    const claims = (this.#claims.get(key) ?? []).filter(({ at }) => at > claim.at - windowMs);
    claims.push(claim);
    this.#claims.set(key, claims);
    const sumOf = (some: typeof claims): number => some.reduce((sum, { count }) => sum + count, 0);
    const inWindow = sumOf(claims.filter(({ windowEndsAt }) => windowEndsAt === claim.windowEndsAt));
    const lately = sumOf(claims);
    if (inWindow > limit || lately > 2 * this.#limitMax)
      this.#violations.push(
        `${inWindow} messages of ${key} in a window and ${lately} in its time, and ${limit} may be claimed`,
      );
  }
}
