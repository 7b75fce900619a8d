import { MissingPackageError } from "../../../src/index.ts";

/** Loads QStash's SDK when it is first needed. Throws `MissingPackageError` where it is not installed. */
export function loadSdk(): Promise<typeof import("@upstash/qstash")> {
  return import("@upstash/qstash").catch((cause: unknown) => {
    throw new MissingPackageError("@upstash/qstash", { cause });
  });
}
