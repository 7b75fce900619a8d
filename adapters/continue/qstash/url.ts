import { OptionError } from "../../../src/index.ts";
import { attempt } from "../../../src/internals.ts";

/** Throws `OptionError`, which does not show it: a secret may be in it. */
export function refuseUrl(option: string, given: string | URL): void {
  const url = attempt(() => /^https?:\S+$/i.test(String(given)) && new URL(given));
  // No `fetch` takes a URL with a password, and it would stand in QStash's console.
  if (!url || url.username || url.password)
    throw new OptionError(option, "an absolute http(s) URL without white space or a password", "another");
}
