import { Argument, Command } from "commander";
import { complete, completionLines } from "../completion.ts";
import { completionScript, type Shell, shells } from "../completion-scripts.ts";
import type { Host } from "../host.ts";
import { withExamples } from "../session.ts";

export function completionCommand(host: Host): Command {
  const command = new Command("completion")
    .description("print the script with which your shell completes this command line by Tab")
    .addArgument(new Argument("<shell>", "which shell").choices([...shells]))
    .action((shell: Shell) => void host.stdout.write(completionScript(shell)));
  return withExamples(command, [
    [`echo 'eval "$(spillway completion bash)"' >> ~/.bashrc`, ""],
    [`echo 'eval "$(spillway completion zsh)"' >> ~/.zshrc`, ""],
    ["spillway completion fish > ~/.config/fish/completions/spillway.fish", ""],
  ]);
}

/** What the shells' scripts ask: not for people, so no help names it. */
export function completeCommand(host: Host): Command {
  const command = new Command("complete").argument("[words...]");
  return command.action((words: string[]) => {
    const lines = completionLines(complete(command.parent ?? command, words));
    host.stdout.write(`${lines.join("\n")}\n`);
  });
}
