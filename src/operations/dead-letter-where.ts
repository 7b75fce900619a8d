import * as limits from "../limits.ts";
import { integer, type Kinds, table, text } from "../options/option-kinds.ts";
import type { DeadLetter } from "./dead-letter.ts";

/** Selects dead letters: those that match all fields that are given. */
export interface DeadLetterWhere {
  /** The id of one dead letter. */
  id?: string | undefined;
  /** The whole reason, such as `exhausted`. */
  reason?: string | undefined;
  /** The name of what its last attempt threw, such as `TypeError`. */
  errorName?: string | undefined;
  /** A text that stands in the payload, the reason, or the error's name or message. Upper and lower case count as equal. */
  text?: string | undefined;
  /** Its last attempt failed at this time or later, epoch ms. */
  since?: number | undefined;
  /** Its last attempt failed at this time or earlier, epoch ms. */
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

/** Whether a dead letter matches. */
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
