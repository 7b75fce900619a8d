import type { DeadLetter } from "../../../src/index.ts";

/** A place among dead letters: behind the one of this id, and so many more. */
export interface Cursor {
  /** `""`: from the beginning. */
  readonly id: string;
  readonly past: number;
  /** Of a list with shards, whose dead letters are ordered by when they died: the moment that they begin at. Else null. */
  readonly at: number | null;
}

/** What is behind a cursor, of dead letters that are looked at list by list, each in its order. */
export class Behind {
  readonly #cursor: Cursor;
  readonly #sign: number;
  #toPass: number;
  /** Whether what the cursor names has not been met. */
  isBefore: boolean;

  constructor(cursor: Cursor, order: unknown) {
    this.#cursor = cursor;
    this.#sign = order === "newest" ? -1 : 1;
    this.#toPass = cursor.past;
    this.isBefore = cursor.id !== "";
  }

  has({ id, lastFailedAt }: DeadLetter): boolean {
    const { at, id: last } = this.#cursor;
    if (at !== null && lastFailedAt !== at) return (lastFailedAt - at) * this.#sign > 0;
    const isMeant = !this.isBefore && this.#toPass === 0;
    if (!this.isBefore && this.#toPass > 0) this.#toPass -= 1;
    if (id === last) this.isBefore = false;
    return isMeant;
  }
}

export function readCursor(given: unknown): Cursor {
  const form = /^(.*?)(?:~(\d{1,9}))?(?:@(\d{1,16}))?$/s;
  const [, id = "", past = "0", at] = form.exec(String(given ?? "")) ?? [];
  return { id, past: Number(past), at: at === undefined ? null : Number(at) };
}

/** The cursor behind what a page holds, at least one, of this list. */
export function cursorAfter(found: readonly DeadLetter[], list: string, cursor: Cursor): string {
  const isByTime = cursor.at !== null || found.some((one) => one.list !== list);
  if (!isByTime) return placeAfter(found, cursor);
  const at = found.at(-1)?.lastFailedAt ?? 0;
  const from = cursor.at === at ? cursor : readCursor("");
  return `${placeAfter(
    found.filter((one) => one.lastFailedAt === at),
    from,
  )}@${at}`;
}

/** What another program has put there has no id: it is counted from the last one that has. */
function placeAfter(found: readonly DeadLetter[], { id, past }: Cursor): string {
  const at = found.findLastIndex((one) => one.id !== "");
  const behind = found.length - 1 - at;
  const from = found[at]?.id ?? id;
  const passed = at < 0 ? past + behind : behind;
  return passed === 0 ? from : `${from}~${passed}`;
}
