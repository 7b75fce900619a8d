import * as limits from "../limits.ts";
import { integer, type Kinds, table, text } from "../options/option-kinds.ts";
import type { DeadLetter } from "./dead-letter.ts";

/** Which dead letters are meant: those that fit all that is given. */
export interface DeadLetterWhere {
  /** Its own name, of which there is one. */
  id?: string | undefined;
  /** The whole reason, such as `exhausted`. */
  reason?: string | undefined;
  /** The name of what its last attempt threw, such as `TypeError`. */
  errorName?: string | undefined;
  /** Stands somewhere in the payload, the reason, or the error's name or message; large and small letters are the same. */
  text?: string | undefined;
  /** It died at this moment or later, epoch ms. */
  since?: number | undefined;
  /** It died at this moment or earlier, epoch ms. */
  until?: number | undefined;
}

const moment = integer({ min: 0, max: limits.momentMsMax });

export const whereKind = table(
  {
    id: text(),
    reason: text(),
    errorName: text(),
    text: text(),
    since: moment,
    until: moment,
  } satisfies Kinds<DeadLetterWhere>,
  { default: {} },
);

/** Whether a dead letter fits. */
export function fitsWhere(
  { id, reason, payload, error, lastFailedAt }: DeadLetter,
  where: DeadLetterWhere,
): boolean {
  const is = (wanted: string | undefined, found: string | undefined): boolean =>
    wanted === undefined || wanted === found;
  const text = where.text?.toLowerCase();
  const has = (found: unknown): boolean =>
    String(found ?? "")
      .toLowerCase()
      .includes(text ?? "");
  return (
    is(where.id, id) &&
    is(where.reason, reason) &&
    is(where.errorName, error?.name) &&
    lastFailedAt >= (where.since ?? 0) &&
    lastFailedAt <= (where.until ?? Number.POSITIVE_INFINITY) &&
    (text === undefined || [payload, reason, error?.name, error?.message].some(has))
  );
}
