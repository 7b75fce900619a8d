import { fromText } from "./bytes.ts";
import type { DrainSettings } from "./drain-settings.ts";
import { OptionError } from "./errors.ts";
import type { ListKeys } from "./keys.ts";
import type { ByteString } from "./redis-client.ts";
import { show } from "./show.ts";

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
