import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Program } from "../support/program.ts";

const cli = new URL("../../dist/cli.js", import.meta.url).pathname;

/** What is typed before Tab, and what the last word is then. A row for each kind of word. */
const completed: Readonly<Record<string, string>> = {
  "spillway recov": "recover",
  "spillway dead redr": "redrive",
  "spillway dead 'redr": "redrive",
  "NO_COLOR=1 spillway dead redr": "redrive",
  "spillway push emails --fi": "--file",
  "spillway dead list emails --reason exhausted --err": "--error-name",
  "spillway init --template wor": "worker",
  "spillway init --template=wor": "--template=worker",
  "spillway completion zs": "zsh",
  "spillway push --file READM": "README.md",
  "spillway push --file=READM": "--file=README.md",
  "spillway push --file two\\ wo": "two words.txt",
  "spillway push --file=two\\ wo": "--file=two words.txt",
  "spillway drain --handler parts/hand": "parts/handler.mjs",
  // The name of a list is none of a file.
  "spillway peek READM": "READM",
};

/** What a person writes into the shell's own file, so that Tab completes. */
const startFiles = {
  bash: [".bashrc", `PS1='ready> '\neval "$(spillway completion bash)"\n`],
  zsh: [".zshrc", `PS1='ready> '\neval "$(spillway completion zsh)"\n`],
  fish: [".config/fish/config.fish", "spillway completion fish | source\n"],
} as const;

describe("Tab completes", () => {
  let home = "";
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "spillway-shells-"));
    await mkdir(join(home, "parts"));
    await mkdir(join(home, ".config/fish"), { recursive: true });
    for (const name of ["README.md", "two words.txt", "parts/handler.mjs"])
      await writeFile(join(home, name), "");
    for (const [name, text] of Object.values(startFiles)) await writeFile(join(home, name), text);
    // For a shell it is the built one; in the terminal it shows what it is called with.
    const program = join(home, "spillway");
    const lines = [
      "#!/bin/sh",
      'if [ -t 1 ]; then printf "called with"; printf "{%s}" "$@"; echo .',
      `else exec '${process.execPath}' '${cli}' "$@"; fi`,
    ];
    await writeFile(program, `${lines.join("\n")}\n`);
    await chmod(program, 0o755);
  });
  afterAll(() => rm(home, { recursive: true }));

  const environment = () => ({ PATH: `${home}:${process.env.PATH}`, HOME: home, TERM: "xterm" });

  /** What the lines become where each is typed into the shell in a terminal, with Tab and Return behind it. */
  async function typeInto(command: string, lines: readonly string[]): Promise<Record<string, string>> {
    const shell = new Program("script", ["-qec", `stty cols 200; exec ${command}`, "/dev/null"], {
      folder: home,
      environment: environment(),
      input: "typed",
    });
    const words: Record<string, string> = {};
    for (const line of lines) {
      await shell.printed(/ready> /);
      shell.output = "";
      shell.type(`${line}\t\r`);
      const [, found = ""] = await shell.printed(/called with\{(.*)\}\./);
      words[line] = found.split("}{").at(-1) ?? "";
    }
    await shell.kill();
    return words;
  }

  it.each(["bash --noprofile -i", "zsh -i"])("in a terminal: %s", async (shell) => {
    expect(await typeInto(shell, Object.keys(completed))).toEqual(completed);
  });

  it("in zsh from a file of its fpath too", async () => {
    const functions = join(home, "functions");
    await mkdir(functions);
    const start = `PS1='ready> '; fpath=(${functions} $fpath); autoload -Uz compinit && compinit -u -D`;
    await writeFile(join(functions, ".zshrc"), start);
    const made = new Program("sh", ["-c", `spillway completion zsh > ${functions}/_spillway`], {
      folder: home,
      environment: environment(),
    });
    expect((await made.ended).code).toBe(0);
    const line = "spillway dead redr";
    // The first Tab loads the function, the second has it.
    const words = await typeInto(`env ZDOTDIR=${functions} zsh -i`, [line, "spillway peek --js"]);
    expect(words).toEqual({ [line]: "redrive", "spillway peek --js": "--json" });
  });

  it("as fish itself answers what Tab would put in", async () => {
    const ask = 'for line in $argv; echo "<$line>"; complete -C $line; end';
    const fish = new Program("fish", ["-c", ask, "--", ...Object.keys(completed)], {
      folder: home,
      environment: environment(),
    });
    expect((await fish.ended).code).toBe(0);
    const answers = fish.stdout.split(/^<(.*)>\n/m).slice(1);
    const words = Object.keys(completed).map((line, at) => {
      const found = (answers[2 * at + 1] ?? "").split("\n").filter(Boolean);
      // Where it would put in nothing, the word stays.
      return [
        line,
        found.length > 0 ? found.map((text) => text.split("\t")[0]).join() : line.split(" ").at(-1),
      ];
    });
    expect(Object.fromEntries(words)).toEqual(completed);
  });
});
