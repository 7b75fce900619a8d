/** How long a batch of a dead process stays away: short, so that much is recovered. */
export const leaseMs = 300;

/** One stay of one message in a working list. */
export interface Claim {
  readonly batch: string;
  readonly claimedAt: number;
  readonly claimedEpoch: number;
  end: "open" | "acked" | "returned";
  endedAt: number;
  endedEpoch: number;
}

/** What the append-only file says of one list, in order. */
export class History {
  readonly claims = new Map<string, Claim[]>();
  readonly deathsAt = new Map<string, number>();
  readonly problems: string[] = [];
  readonly #list: string;
  readonly #place = new Map<string, string>();
  readonly #batches = new Map<string, Map<string, Claim>>();
  readonly #leaseEnds = new Map<string, number>();
  #at = 0;
  #epoch = 0;
  #isInGroup = false;
  /** Of the current transaction: leases it wrote, and batches whose messages it returned. */
  #newLeaseEnds: number[] = [];
  #returned: string[] = [];
  readonly earlyReturns: string[] = [];

  constructor(list: string) {
    this.#list = list;
  }

  apply(command: readonly string[]): void {
    this.#at += 1;
    const [name = "", key = "", ...rest] = command;
    if (name === "MULTI" || name === "EXEC") {
      this.endGroup();
      this.#isInGroup = name === "MULTI";
      return;
    }
    this.#applyWrite(name.toUpperCase(), key, rest);
    if (!this.#isInGroup) this.endGroup();
  }

  /** A script's writes are one transaction: a claim in it tells what time it was for the recovery in it. */
  endGroup(): void {
    const [leaseEnd] = this.#newLeaseEnds;
    for (const batch of this.#returned) {
      const endsAt = this.#leaseEnds.get(batch) ?? 0;
      if (leaseEnd !== undefined && leaseEnd - leaseMs < endsAt) this.earlyReturns.push(batch);
    }
    this.#newLeaseEnds = [];
    this.#returned = [];
  }

  #applyWrite(name: string, key: string, rest: readonly string[]): void {
    const base = `{${this.#list}}:`;
    if (key === this.#list && (name === "LPUSH" || name === "RPUSH")) {
      for (const payload of rest) this.#place.set(payload, "list");
    } else if (key.startsWith(`${base}working:`)) {
      if (name === "LPUSH") this.#claim(key.slice(`${base}working:`.length), rest);
      else if (name === "DEL" || name === "UNLINK") this.#settle(key.slice(`${base}working:`.length));
      else this.problems.push(`An unexpected write: ${name} ${key}.`);
    } else if (key === `${base}leases` && name === "ZADD") {
      this.#leaseEnds.set(rest[1] as string, Number(rest[0]));
      this.#newLeaseEnds.push(Number(rest[0]));
    } else if (key === `${base}delayed` || key === `${base}dead` || key === `${base}brake`) {
      if (name !== "DEL") this.problems.push(`No message failed, and yet: ${name} ${key}.`);
    } else if (key === `epoch:${this.#list}`) {
      this.#epoch = Number(rest[0]);
    } else if (key === notesKey(this.#list)) {
      for (const [word, id] of rest.map((line) => line.split(" "))) {
        if (word === "death") this.deathsAt.set(id as string, this.#at);
      }
    }
  }

  #claim(batch: string, payloads: readonly string[]): void {
    const claims = this.#batches.get(batch) ?? new Map<string, Claim>();
    this.#batches.set(batch, claims);
    for (const payload of payloads) {
      const claim: Claim = {
        batch,
        claimedAt: this.#at,
        claimedEpoch: this.#epoch,
        end: "open",
        endedAt: 0,
        endedEpoch: 0,
      };
      if (this.#place.get(payload) !== "list") this.problems.push(`${payload} was claimed from nowhere.`);
      this.#place.set(payload, batch);
      claims.set(payload, claim);
      const all = this.claims.get(payload);
      if (all) all.push(claim);
      else this.claims.set(payload, [claim]);
    }
  }

  #settle(batch: string): void {
    for (const [payload, claim] of this.#batches.get(batch) ?? []) {
      const isThere = this.#place.get(payload) === batch;
      claim.end = isThere ? "acked" : "returned";
      claim.endedAt = this.#at;
      claim.endedEpoch = this.#epoch;
      if (isThere) this.#place.set(payload, "handled");
      else if (!this.#returned.includes(batch)) this.#returned.push(batch);
    }
    this.#batches.delete(batch);
  }
}

/** Where the processes of a list note what they do. */
export function notesKey(list: string): string {
  return `notes:${list}`;
}
