import { OptionError } from "../../../src/index.ts";

/** Throws `OptionError`, which does not show it: a secret may be in it. */
export function refuseUrl(option: string, given: string | URL): void {
  if (!URL.canParse(given) || !/^https?:\S+$/i.test(String(given)))
    throw new OptionError(option, "an absolute http(s) URL without white space", "another");
}
