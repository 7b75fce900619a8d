import { OptionError } from "../src/index.ts";
import type { Session } from "./session.ts";

/**
 * Asks whether to go on with what cannot be taken back; `--yes` has answered. Throws `OptionError` where nobody can be
 * asked: the input or the standard error is no terminal, or the result is wanted as JSON.
 */
export async function isConfirmed(
  question: string,
  options: { readonly yes?: boolean },
  { terminal, lifetime, host }: Session,
): Promise<boolean> {
  if (options.yes) return true;
  if (!terminal.canAsk) {
    throw new OptionError("--yes", "given where nobody can be asked, for this cannot be taken back", "none");
  }
  const { confirm } = await import("@clack/prompts");
  const settings = {
    initialValue: false,
    output: host.stderr as NodeJS.WriteStream,
    input: host.stdin as NodeJS.ReadStream,
    signal: lifetime.signal,
  };
  return (await confirm({ message: question, ...settings })) === true;
}
