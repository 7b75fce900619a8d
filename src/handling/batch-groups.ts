import { SpillwayError } from "../errors.ts";
import { kindOf } from "../options/show.ts";
import { peek } from "./guest.ts";
import type { Message } from "./message.ts";

/** Which group a message belongs to, and how many messages one call of the batch handler gets of it at most. */
export interface BatchGroup {
  readonly key: string;
  /** From 1. Default: as many as the batch holds. */
  readonly size?: number;
}

/** Names the group of a message: by its key alone, or with a size. */
export type BatchBy<Value> = (
  message: Message<Value>,
) => string | BatchGroup | PromiseLike<string | BatchGroup>;

/** Reads what `batchBy` gave. Throws `SpillwayError` for what names no group. */
export function readGroup(given: unknown): Required<BatchGroup> {
  const key = typeof given === "string" ? given : peek(given, "key");
  const size = (typeof given === "string" ? undefined : peek(given, "size")) ?? Number.MAX_SAFE_INTEGER;
  if (typeof key === "string" && Number.isSafeInteger(size) && (size as number) >= 1) {
    return { key, size: size as number };
  }
  throw new SpillwayError(
    "handler-outcome",
    `batchBy must return a string, or { key, size } with a string and a whole number of at least 1; got ${kindOf(given)}.`,
  );
}

/** Puts members of one key together, each group as large as its first member says, in the order of first members. */
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
