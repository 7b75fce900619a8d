import { fromText } from "../bytes.ts";
import { OptionError } from "../errors.ts";
import type { DrainSettings } from "../options/drain-settings.ts";
import { show } from "../options/show.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString } from "../redis/redis-client.ts";

/** The plain engine's shared working list. Throws `OptionError` for a key that is used for something else. */
export function sharedWorkingList(
  { workingList }: Pick<DrainSettings, "workingList">,
  keys: ListKeys,
): ByteString {
  if (workingList === undefined) return keys.sharedWorking;
  const { list, leases, delayed, attempts, dead, brake, busy, control, seen, recovering } = keys;
  const key = fromText(workingList);
  if ([list, leases, delayed, attempts, dead, brake, busy, control, seen, recovering].includes(key)) {
    throw new OptionError("workingList", "another key than the list and Spillway's own", show(workingList));
  }
  return key;
}
