import { Command } from "commander";
import { OptionError, type RateLimit } from "../../src/index.ts";
import { type ConnectionOptions, type ListOptions, openDrain, withList } from "../connection.ts";
import type { Host } from "../host.ts";
import { visible } from "../safe-text.ts";
import { doing, withExamples } from "../session.ts";
import { wholeNumber } from "../values.ts";

interface LimitsOptions extends ConnectionOptions, ListOptions {
  readonly messages?: number;
  readonly windowMs?: number;
  readonly none?: boolean;
}

export function limitsCommand(host: Host): Command {
  const command = withList(new Command("limits").argument("<list>"))
    .description("show how many messages all drains of a list may claim in a time, or set it")
    .option(
      "--messages <count>",
      "set: at most so many messages in each window",
      wholeNumber(1, 1_000_000_000),
    )
    .option("--window-ms <ms>", "set: how long a window is (default: 1000)", wholeNumber(1, 86_400_000))
    .option("--none", "take the limit away");
  withExamples(command, [
    ["spillway limits emails", "show it"],
    ["spillway limits emails --messages 100", "100 a second, over all drains"],
    ["spillway limits emails --none", "no limit"],
  ]);
  return doing<[string], LimitsOptions>(host, command, async (session, options, list) => {
    const wanted = readLimit(options);
    const { limits } = await openDrain(list, options, session);
    if (wanted !== undefined) await limits.set(wanted);
    const limit = wanted === undefined ? await limits.get() : wanted;
    const text = limit ? `${limit.messages} messages in ${limit.windowMs} ms` : "no limit";
    session.terminal.show({ list, limit }, [`"${visible(list)}": ${text}.`]);
    return 0;
  });
}

/** The limit to set; null to take it away; undefined only to show it. */
function readLimit({ messages, windowMs, none }: LimitsOptions): RateLimit | null | undefined {
  if (none && (messages !== undefined || windowMs !== undefined)) {
    throw new OptionError("--none", "given alone", "with another");
  }
  if (none) return null;
  if (messages === undefined && windowMs !== undefined) {
    throw new OptionError("--messages", "given with --window-ms", "none");
  }
  return messages === undefined ? undefined : { messages, windowMs: windowMs ?? 1_000 };
}
