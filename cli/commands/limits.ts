import { Command } from "commander";
import { type ListLimit, OptionError, type RateLimit } from "../../src/index.ts";
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
    .option("--none", "take the limit away; what each key may have stays");
  withExamples(command, [
    ["spillway limits emails", "show it"],
    ["spillway limits emails --messages 100", "100 a second, over all drains"],
    ["spillway limits emails --none", "no limit"],
  ]);
  return doing<[string], LimitsOptions>(host, command, async (session, options, list) => {
    const wanted = readLimit(options);
    // Who knows no keys may not set what each may have, not even to what it is.
    const { limits } = await openDrain(
      list,
      options.engine === "plain" ? options : { byKey: "key", ...options },
      session,
    );
    let limit = await limits.get();
    if (wanted !== undefined) {
      limit = limit?.perKey ? { ...wanted, perKey: limit.perKey } : wanted;
      await limits.set(limit);
    }
    session.terminal.show({ list, limit }, [`"${visible(list)}": ${textOf(limit)}.`]);
    return 0;
  });
}

function textOf(limit: ListLimit | null): string {
  const { messages, windowMs, perKey } = limit ?? {};
  const texts = [
    ...(messages === undefined ? [] : [`${messages} messages in ${windowMs} ms`]),
    ...(perKey?.messages === undefined ? [] : [`${perKey.messages} of each key in ${perKey.windowMs} ms`]),
    ...(perKey?.inFlight === undefined ? [] : [`${perKey.inFlight} of each key at once`]),
  ];
  return texts.join(", ") || "no limit";
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
