import { Command, type Option } from "commander";
import { completeCommand, completionCommand } from "./commands/completion.ts";
import { deadCommand } from "./commands/dead.ts";
import { devCommand } from "./commands/dev.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { drainCommand } from "./commands/drain.ts";
import { initCommand } from "./commands/init.ts";
import { leasesCommand } from "./commands/leases.ts";
import { limitsCommand } from "./commands/limits.ts";
import { pauseCommand, resumeCommand } from "./commands/pause.ts";
import { peekCommand } from "./commands/peek.ts";
import { pushCommand } from "./commands/push.ts";
import { recoverCommand } from "./commands/recover.ts";
import { redisCommand } from "./commands/redis.ts";
import { statsCommand } from "./commands/stats.ts";
import { workCommand } from "./commands/work.ts";
import type { Host } from "./host.ts";
import { readVersion } from "./package-root.ts";
import type { MakeCommand } from "./session.ts";
import { Terminal } from "./terminal.ts";

/** Every command, in the order of the help. A new one gets its line here. */
const makeCommands: readonly MakeCommand[] = [
  initCommand,
  pushCommand,
  drainCommand,
  workCommand,
  statsCommand,
  peekCommand,
  leasesCommand,
  deadCommand,
  recoverCommand,
  pauseCommand,
  resumeCommand,
  limitsCommand,
  redisCommand,
  devCommand,
  doctorCommand,
  completionCommand,
];

const exitCodes = `
Exit codes: 0 all well; 1 it failed, or found something; 2 it was called wrongly.
Without --url: UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN say where Redis is, or REDIS_URL.`;

/** The whole command line. Nothing runs before it parses. */
export function makeProgram(host: Host): Command {
  const program = new Command("spillway")
    .description("Drains Redis lists, reliably, and looks after them.")
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", exitCodes);
  for (const make of makeCommands) program.addCommand(make(host));
  program.addCommand(completeCommand(host), { hidden: true });
  for (const command of withDescendants(program)) {
    if (command.commands.length > 0) command.helpCommand("help [command]", "print the help of a command");
    command
      .helpOption("-h, --help", "print this help")
      .exitOverride(({ exitCode }) => host.exit(exitCode === 0 ? 0 : 2))
      .configureOutput({
        writeOut: (text) => host.stdout.write(text),
        writeErr: (text) => host.stderr.write(text),
        getOutHelpWidth: () => host.stdout.columns || 80,
        outputError: (text) => refuse(text, host),
      })
      .configureHelp({ groupItems: ownFirst });
  }
  return program;
}

/** The command and all below it. */
export function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

/** Options by their groups, the command's own before those that many commands have. */
function ownFirst<Item extends Command | Option>(
  unsorted: Item[],
  items: Item[],
  groupOf: (item: Item) => string,
): Map<string, Item[]> {
  const own = "Options:";
  const names = [...new Set(unsorted.map((item) => groupOf(item) || own))];
  const inOrder = names.sort((one, other) => Number(other === own) - Number(one === own));
  return new Map(inOrder.map((name) => [name, items.filter((item) => (groupOf(item) || own) === name)]));
}

/** Says how it was called wrongly, without what may be a secret or a payload in the wrong place. */
function refuse(text: string, host: Host): void {
  const message = text
    .replace(/^error: /, "")
    .replace(/^(unknown option '--?[\w-]+=).*?'$/ms, "$1…'")
    .replace(/^(too many arguments.* but got \d+): .*$/s, "$1.")
    .trimEnd()
    .replace(/^unknown command '[^']*'$/, "$&; spillway --help lists all");
  new Terminal(host, host.args.includes("--json")).fail(message, "usage");
}
