import { Command } from "commander";
import { type ConnectionOptions, type ListOptions, openDrain, withList } from "../connection.ts";
import { counted } from "../counts.ts";
import type { Host } from "../host.ts";
import { visible } from "../safe-text.ts";
import { doing, withExamples } from "../session.ts";

export function recoverCommand(host: Host): Command {
  const command = withList(new Command("recover").argument("<list>")).description(
    "return the messages of expired leases to the list, and find working lists that have no lease",
  );
  withExamples(command, [["spillway recover emails", "what drains do by themselves, at once"]]);
  return doing<[string], ConnectionOptions & ListOptions>(host, command, async (session, options, list) => {
    const drain = await openDrain(list, options, session);
    let recovered = 0;
    let adopted = 0;
    // One call returns at most 1,000 messages.
    while (!session.lifetime.signal.aborted) {
      const step = await drain.recover();
      recovered += step.recovered;
      adopted += step.adopted;
      if (step.recovered === 0) break;
    }
    session.terminal.show({ list, recovered, adopted }, [
      `Returned ${counted(recovered, "message")} to "${visible(list)}".`,
      ...(adopted > 0
        ? [
            `${adopted} working lists had no lease. They have one now, and come back when it ends, in a minute.`,
          ]
        : []),
    ]);
    return 0;
  });
}
