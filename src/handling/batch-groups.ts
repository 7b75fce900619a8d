import { SpillwayError } from "../errors.ts";
import { kindOf } from "../options/show.ts";
import { peek, whenSettled } from "./guest.ts";
import type { Message } from "./message.ts";

/** Which group a message belongs to, and how many messages of it one call of the batch handler gets at most. */
export interface BatchGroup {
  readonly key: string;
  /** From 1. Default: as many as the batch holds. */
  readonly size?: number;
}

/** Says the group of a message: its key alone, or with a size. */
export type BatchBy<Value> = (
  message: Message<Value>,
) => string | BatchGroup | PromiseLike<string | BatchGroup>;

/** Reads what `batchBy` returned. Throws `SpillwayError` for what is no group. */
export function readGroup(given: unknown): Required<BatchGroup> {
  const key = typeof given === "string" ? given : peek(given, "key");
  const size = (typeof given === "string" ? undefined : peek(given, "size")) ?? Number.MAX_SAFE_INTEGER;
  if (typeof key === "string" && Number.isSafeInteger(size) && (size as number) >= 1) {
    return { key, size: size as number };
  }
  for (const one of [key, size]) void whenSettled(one);
  throw new SpillwayError(
    "handler-outcome",
    `batchBy must return a string, or { key, size } with a string and a whole number of at least 1; got ${kindOf(given)}.`,
  );
}

/** Puts members of one key together. Each group is as large as its first member says; groups stand in the order of their first members. */
export function grouped<Member extends { readonly group: Required<BatchGroup> }>(
  members: readonly Member[],
): Member[][] {
  const open = new Map<string, Member[]>();
  const groups: Member[][] = [];
  for (const member of members) {
    const { key } = member.group;
    const group = open.get(key);
    if (group && group.length < (group[0] as Member).group.size) group.push(member);
    else {
      const begun = [member];
      open.set(key, begun);
      groups.push(begun);
    }
  }
  return groups;
}
