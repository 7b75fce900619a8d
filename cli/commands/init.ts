import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Command, Option } from "commander";
import { OptionError } from "../../src/index.ts";
import { listKeys } from "../../src/internals.ts";
import type { Host } from "../host.ts";
import { readVersion } from "../package-root.ts";
import { visible } from "../safe-text.ts";
import { doing, type Session, withExamples } from "../session.ts";
import { inShell, projectOf, type Template, templates } from "../templates.ts";

interface InitOptions {
  readonly template?: Template["name"];
  readonly list: string;
}

export function initCommand(host: Host): Command {
  const names = templates.map(({ name }) => name);
  const command = new Command("init")
    .argument("[folder]", "where; it is made where it is not there", ".")
    .description("write a working drain into a folder; files that are there stay as they are")
    .addOption(new Option("--template <name>", "for which host").choices(names))
    .option("--list <name>", "the list that it drains", "emails");
  withExamples(command, [
    ["spillway init my-drain --template worker", "a Cloudflare Worker"],
    ["spillway init", "asks which, and writes it here"],
  ]);
  return doing<[string], InitOptions>(host, command, async (session, options, folder) => {
    // A list that no drain takes is refused before anything is written.
    listKeys(options.list);
    const template = await choose(session, options.template);
    if (!template) return 1;
    const files = projectOf(template, options.list, readVersion());
    const there = [...files.keys()].filter((path) => existsSync(join(folder, path)));
    if (there.length > 0)
      throw new OptionError(
        "folder",
        "one without the files that init writes",
        `one with ${there.join(", ")}`,
      );
    for (const [path, text] of files) {
      await write(join(folder, path), text).catch((error: NodeJS.ErrnoException) => {
        const found = `an error (${error.code ?? error.name}) at ${path}`;
        throw new OptionError("folder", "one that can be written", found);
      });
    }
    const next = [...(folder === "." ? [] : [`cd ${inShell(folder)}`]), ...template.next];
    session.terminal.show({ folder, template: template.name, files: [...files.keys()], next }, [
      `Wrote ${[...files.keys()].join(", ")}.`,
      "Next:",
      ...next.map((line) => `  ${visible(line)}`),
    ]);
    return 0;
  });
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // Another program may have made it meanwhile: it is not overwritten.
  await writeFile(path, text, { flag: "wx" });
}

/** The template that is named, or chosen by a person; undefined where that person chose none. */
async function choose(
  { terminal, lifetime, host }: Session,
  name: Template["name"] | undefined,
): Promise<Template | undefined> {
  if (name !== undefined) return templates.find((template) => template.name === name);
  if (!terminal.canAsk) {
    const wanted = templates.map((template) => template.name).join(", ");
    throw new OptionError("--template", `one of ${wanted}, where nobody can be asked`, "none");
  }
  const { select } = await import("@clack/prompts");
  const chosen = await select({
    message: "For which host?",
    options: templates.map((template) => ({
      value: template,
      label: template.name,
      hint: template.description,
    })),
    output: host.stderr as NodeJS.WriteStream,
    input: host.stdin as NodeJS.ReadStream,
    signal: lifetime.signal,
  });
  return typeof chosen === "symbol" ? undefined : chosen;
}
