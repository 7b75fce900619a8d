import { Command, Option } from "commander";
import type { PeekOptions } from "../../src/index.ts";
import { type ConnectionOptions, type ListOptions, openDrain, withList } from "../connection.ts";
import type { Host } from "../host.ts";
import { moment } from "../moments.ts";
import { payloadJson, payloadLine } from "../payload-text.ts";
import { doing, withExamples } from "../session.ts";
import { columns } from "../terminal.ts";
import { wholeNumber } from "../values.ts";

interface PeekCommandOptions extends ConnectionOptions, ListOptions {
  readonly place: NonNullable<PeekOptions["place"]>;
  readonly newest?: boolean;
  readonly count: number;
}

export function peekCommand(host: Host): Command {
  const command = withList(new Command("peek").argument("<list>"))
    .description("look at messages that wait, and change nothing")
    .addOption(
      new Option("--place <name>", "where they wait").choices(["list", "delayed", "parked"]).default("list"),
    )
    .option("--newest", "from the other end; else the next to be claimed, or to be due, is first")
    .option("--count <count>", "messages at most", wholeNumber(1, 1_000), 10);
  withExamples(command, [
    ["spillway peek emails", "the next ten"],
    ["spillway peek emails --place delayed", "what is to be tried again, and when"],
    ["spillway peek emails --count 1 --json", "one, in full"],
  ]);
  return doing<[string], PeekCommandOptions>(host, command, async (session, options, list) => {
    const { place, newest, count } = options;
    const { terminal } = session;
    const drain = await openDrain(list, options, session);
    const messages = await drain.peek({ place, count, from: newest ? "newest" : "oldest" });
    const heads = ["id", "bytes", "attempts", place === "delayed" ? "due" : "first failed", "payload"];
    const rows = messages.map((one) => [
      one.id.slice(0, 12),
      one.size,
      one.attempts,
      moment(place === "delayed" ? one.dueAt : one.firstFailedAt),
      payloadLine(one.payload),
    ]);
    const shown = messages.map(({ payload, bytes, ...known }) => ({
      ...known,
      ...payloadJson(payload, bytes),
    }));
    const lines =
      rows.length === 0 ? ["None."] : columns([heads.map((head) => terminal.toned(head, "faint")), ...rows]);
    terminal.show({ list, place, messages: shown }, lines);
    return 0;
  });
}
