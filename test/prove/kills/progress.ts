import { setTimeout as sleep } from "node:timers/promises";
import type { SideDoor } from "../../support/side-door.ts";
import { notesKey } from "./history.ts";

/** What goes round and round comes to no end. */
const lookCountMax = 100_000;
const lookMs = 20;

/** Waits for a list to become empty, for as long as something moves: how long that takes says only how busy the machine is. */
export class Progress {
  readonly #door: SideDoor;
  readonly #notes: SideDoor;
  readonly #list: string;
  readonly #stillMsMax: number;

  /** `stillMsMax`: for so long nothing may stand still. */
  constructor(door: SideDoor, notes: SideDoor, list: string, stillMsMax: number) {
    this.#stillMsMax = stillMsMax;
    this.#door = door;
    this.#notes = notes;
    this.#list = list;
  }

  /** Resolves with null once nothing is left, or with what stands where. */
  async untilEmpty(): Promise<string | null> {
    let last = "";
    let movedAt = performance.now();
    for (let look = 0; look < lookCountMax; look++) {
      const { isEmpty, where } = await this.#look();
      if (isEmpty) return null;
      if (where !== last) movedAt = performance.now();
      last = where;
      if (performance.now() - movedAt > this.#stillMsMax)
        return `Nothing has moved for ${this.#stillMsMax} ms, and there are still: ${where}.`;
      await sleep(lookMs);
    }
    return `After ${lookCountMax} looks there are still: ${last}.`;
  }

  /** Where messages are, and how much the processes have noted: each attempt does. */
  async #look(): Promise<{ readonly isEmpty: boolean; readonly where: string }> {
    const { redis } = this.#door;
    const base = `{${this.#list}}:`;
    const [waiting, leases, delayed, parked, rates, noted] = await Promise.all([
      redis.llen(this.#list),
      redis.zrange(`${base}leases`, 0, "-1"),
      redis.zcard(`${base}delayed`),
      redis.zcard(`${base}parked`),
      redis.exists(`${base}rates`),
      this.#notes.redis.llen(notesKey(this.#list)),
    ]);
    const isEmpty = waiting + leases.length + delayed + parked + rates === 0;
    const places = `${waiting} waiting, ${delayed} delayed, ${parked} parked, the leases [${leases.join(" ")}]`;
    return { isEmpty, where: `${places}, a window of keys: ${rates}; noted lines: ${noted}` };
  }
}
