import type { Command, Option } from "commander";

/** One word that may stand where the cursor is. */
interface Completion {
  readonly word: string;
  readonly description: string;
}

/** What may stand there, and whether names of files may. */
export interface Completions {
  readonly words: readonly Completion[];
  readonly files: boolean;
}

/** Options and arguments whose value is the name of a file. */
const fileValue = /^<?\[?(file|folder)\b/;

/** What may come in the place of the last word, which may be empty or begun. Asks nothing of Redis. */
export function complete(program: Command, words: readonly string[]): Completions {
  // Shells hand on a quote that is open. Bash hands on "=" as a word of its own.
  const current = (words.at(-1) ?? "").replace(/^["']|^=$/, "");
  let command = program;
  let argumentCount = 0;
  let waiting: Option | undefined;
  for (const word of words.slice(0, -1)) {
    if (waiting) {
      if (word !== "=") waiting = undefined;
      continue;
    }
    if (word.startsWith("-")) {
      waiting = word.includes("=") ? undefined : valueOption(command, word);
      continue;
    }
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next) command = next;
    else argumentCount += 1;
  }
  if (waiting) return valuesOf(waiting, current);
  const [, name = "", value = ""] = /^(-[^=]*)=(.*)$/s.exec(current) ?? [];
  const given = valueOption(command, name);
  if (given) return valuesOf(given, value, `${name}=`);
  if (current.startsWith("-")) return { words: fitting(optionsOf(command), current), files: false };
  if (command.commands.length > 0) return { words: fitting(commandsOf(command), current), files: false };
  const argument =
    command.registeredArguments[Math.min(argumentCount, command.registeredArguments.length - 1)];
  const choices = (argument?.argChoices ?? []).map((word) => ({ word, description: "" }));
  return { words: fitting(choices, current), files: fileValue.test(argument?.name() ?? "") };
}

function valueOption(command: Command, word: string): Option | undefined {
  const found = command.options.find(({ long, short }) => long === word || short === word);
  return found?.required || found?.optional ? found : undefined;
}

/** Values of an option, behind its name where both are one word. */
function valuesOf(option: Option, current: string, before = ""): Completions {
  const choices = (option.argChoices ?? []).map((word) => ({ word: before + word, description: "" }));
  const value = option.flags.split(" ").at(-1) ?? "";
  return { words: fitting(choices, before + current), files: fileValue.test(value) };
}

function optionsOf(command: Command): Completion[] {
  const visible = command.createHelp().visibleOptions(command);
  return visible.map(({ long, short, description }) => ({ word: long ?? short ?? "", description }));
}

function commandsOf(command: Command): Completion[] {
  const visible = command.createHelp().visibleCommands(command);
  return visible.map((one) => ({ word: one.name(), description: one.summary() || one.description() }));
}

function fitting(completions: readonly Completion[], current: string): Completion[] {
  return completions.filter(({ word }) => word.startsWith(current));
}

/** A word a line with its description behind a tab; the last line says whether files may be named. */
export function completionLines({ words, files }: Completions): string[] {
  const lines = words.map(({ word, description }) => `${word}\t${description.replace(/\s+/g, " ")}`);
  return [...lines, files ? ":files" : ":"];
}
