import type { Command } from "commander";
import type { Host } from "./host.ts";
import type { Lifetime } from "./lifetime.ts";
import { Terminal } from "./terminal.ts";

/** What a command is given beside its arguments and options. */
export interface Session {
  readonly lifetime: Lifetime;
  readonly terminal: Terminal;
  readonly host: Host;
}

/** What a command does. Resolves with its exit code: 0 for all well, 1 for found something, or failed. */
export type Work<Args extends unknown[], Options> = (
  session: Session,
  options: Options,
  ...args: Args
) => Promise<number>;

/** Makes a command; who makes the whole program says what it runs in. */
export type MakeCommand = (host: Host) => Command;

/** Makes the command do its work, and end with the work's code. */
export function doing<Args extends unknown[], Options>(
  host: Host,
  command: Command,
  work: Work<Args, Options>,
): Command {
  return command
    .option("--json", "print the result as JSON, on one line")
    .action(async (...given: unknown[]) => {
      const options = command.opts<Options & { json?: boolean }>();
      const terminal = new Terminal(host, options.json === true);
      const args = given.slice(0, command.registeredArguments.length) as Args;
      await host.run((lifetime) => work({ lifetime, terminal, host }, options, ...args), terminal);
    });
}

/** Adds examples to the help of a command, a line each: what to type, and what it does. */
export function withExamples(
  command: Command,
  examples: readonly (readonly [line: string, does: string])[],
): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, does]) => `  ${line.padEnd(width)}  ${does}`.trimEnd());
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
}
