import { Command } from "commander";
import { type ConnectionOptions, type ListOptions, openDrain, withList } from "../connection.ts";
import type { Host } from "../host.ts";
import { duration, moment } from "../moments.ts";
import { visible } from "../safe-text.ts";
import { doing, withExamples } from "../session.ts";
import { columns } from "../terminal.ts";
import { wholeNumber } from "../values.ts";

interface LeasesOptions extends ConnectionOptions, ListOptions {
  readonly max: number;
}

export function leasesCommand(host: Host): Command {
  const command = withList(new Command("leases").argument("<list>"))
    .description("show which drains hold which batches, and until when")
    .option("--max <count>", "leases at most, those that end first", wholeNumber(1, 1_000), 100);
  withExamples(command, [["spillway leases emails", "who is at work"]]);
  return doing<[string], LeasesOptions>(host, command, async (session, options, list) => {
    const { terminal } = session;
    const drain = await openDrain(list, options, session);
    const leases = await drain.leases({ max: options.max });
    const heads = ["batch", "messages", "ends", ""];
    const rows = leases.map(({ batch, count, endsAt, endsInMs, isExpired }) => [
      visible(batch),
      count,
      moment(endsAt),
      isExpired ? terminal.toned(`ended ${duration(-endsInMs)} ago`, "bad") : `in ${duration(endsInMs)}`,
    ]);
    const lines =
      rows.length === 0 ? ["None."] : columns([heads.map((head) => terminal.toned(head, "faint")), ...rows]);
    terminal.show({ list, leases }, lines);
    return 0;
  });
}
