import { Command } from "commander";
import { type ConnectionOptions, type ListOptions, openDrain, withList } from "../connection.ts";
import type { Host } from "../host.ts";
import { visible } from "../safe-text.ts";
import { doing, withExamples } from "../session.ts";

export function pauseCommand(host: Host): Command {
  const command = withList(new Command("pause").argument("<list>")).description(
    "pause a list for all its drains: they claim nothing more until it is resumed",
  );
  withExamples(command, [["spillway pause emails", "what runs ends; what waits stays"]]);
  return doing<[string], ConnectionOptions & ListOptions>(host, command, async (session, options, list) => {
    await (await openDrain(list, options, session)).pause();
    const next = `Resume it with: spillway resume ${visible(list)}`;
    session.terminal.show({ list, paused: true }, [`"${visible(list)}" is paused. ${next}`]);
    return 0;
  });
}

export function resumeCommand(host: Host): Command {
  const command = withList(new Command("resume").argument("<list>")).description(
    "end the pause of a list; the next tick drains it",
  );
  withExamples(command, [["spillway resume emails", ""]]);
  return doing<[string], ConnectionOptions & ListOptions>(host, command, async (session, options, list) => {
    await (await openDrain(list, options, session)).resume();
    session.terminal.show({ list, paused: false }, [
      `"${visible(list)}" is paused no more. The next tick drains it.`,
    ]);
    return 0;
  });
}
