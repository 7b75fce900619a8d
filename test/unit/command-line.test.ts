import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readReference, withHelp } from "../../.ci/cli-reference.ts";
import { typeOf } from "../../cli/doctor/keys.ts";
import { splitLines } from "../../cli/lines.ts";
import { duration, moment } from "../../cli/moments.ts";
import { payloadBlock, payloadJson } from "../../cli/payload-text.ts";
import { shortened, visible, visibleJson } from "../../cli/safe-text.ts";
import { secretsOf, withoutSecrets } from "../../cli/secrets.ts";
import { projectOf, templates } from "../../cli/templates.ts";
import { listKeys } from "../../src/internals.ts";
import { runInside } from "../support/command-line-inside.ts";

describe("docs/cli.md", () => {
  it("has the help of every command as it is: npm run docs:cli", () => {
    expect(withHelp(readReference())).toBe(readReference());
  });

  it("says what JSON each command prints that has any", async () => {
    const table = /## JSON\n(.*?)\n## /s.exec(readReference())?.[1] ?? "";
    const commands = [
      ...withHelp(readReference()).matchAll(/^### spillway ([^\n]+)\n\n```text\n(.*?)```/gms),
    ];
    const printing = commands
      .filter(([, , help]) => help?.includes("--json"))
      .map(([, name]) => name as string);
    // A worker prints what its drains do, and nothing at its end.
    const wanted = printing.filter((name) => name !== "work");
    expect(wanted.length).toBeGreaterThan(10);
    for (const name of wanted) expect(table, name).toContain(`\`${name}\``);
  });
});

describe("texts of strangers", () => {
  it.each([
    ["an escape sequence", "\u001b]0;title\u0007\u001b[2J", "\\e]0;title\\u{7}\\e[2J"],
    ["a C1 control", "\u009b31m", "\\u{9b}31m"],
    ["line ends", "a\r\nb\tc\u2028d", "a\\r\\nb\\tc\\u{2028}d"],
    ["a turned direction", "\u202egpj.exe", "\\u{202e}gpj.exe"],
    ["half a character", "a\ud800b\udc00", "a\\u{d800}b\\u{dc00}"],
    ["a tag of no width", "\u{e0041}\u200b", "\\u{e0041}\\u{200b}"],
    ["emoji and letters", "ä 😀 漢字", "ä 😀 漢字"],
    ["NUL", "\0", "\\u{0}"],
  ])("are no orders to a terminal: %s", (_, text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  it("are whole in JSON, and no orders to a terminal there either", async () => {
    const text = "\u009b31m\u202e\u{e0041}\u007f\u2028\ud800 ä 😀";
    const json = visibleJson({ text });
    expect(JSON.parse(json)).toEqual({ text });
    expect(json).toBe(String.raw`{"text":"\u009b31m\u202e\udb40\udc41\u007f\u2028\ud800 ä 😀"}`);
  });

  it("are cut between characters, never within one", () => {
    expect(shortened("a😀b", 2)).toBe("a… (4 characters)");
    expect(shortened("abc", 3)).toBe("abc");
  });

  it("are shown as bytes, and given as base64, where they are no text", () => {
    const bytes = Uint8Array.from([0xff, 0x41]);
    expect(payloadBlock("\ufffdA", bytes, false)).toEqual([
      expect.stringMatching(/^00000000 {2}ff 41 +\.A$/),
    ]);
    expect(payloadJson("\ufffdA", bytes)).toEqual({ payload: "\ufffdA", base64: "/0E=" });
    expect(payloadJson("A", bytes.subarray(1))).toEqual({ payload: "A" });
  });

  it.each([[1e21], [Number.NaN], [-1], [8.64e15 + 1], [null]])(
    "give a moment and a duration for %s",
    (ms) => {
      expect(moment(ms)).toMatch(/\S/);
      expect(duration(Number(ms))).toMatch(/\S/);
    },
  );
});

describe("secrets", () => {
  it.each([
    ["a token", ["--token", "hunter22"], {}, "the token hunter22 is wrong"],
    ["a token behind =", ["--token=hunter22"], {}, "hunter22"],
    ["a password", ["--url", "rediss://me:hunter22@host:1"], {}, "WRONGPASS hunter22"],
    ["an encoded password", ["--url", "redis://:hunter%322@host"], {}, "hunter22 and hunter%322"],
    ["an environment's token", [], { UPSTASH_REDIS_REST_TOKEN: "hunter22" }, "Bearer hunter22"],
    ["an environment's URL", [], { REDIS_URL: "redis://:hunter22@host" }, "at redis://:hunter22@host:1"],
    ["a URL of somebody else", [], {}, "at https://me:hunter22@host/path"],
    ["a malformed password", ["redis://u:hunter22%@h"], {}, "hunter22%"],
  ])("are in no text: %s", (_, args, environment, text) => {
    expect(withoutSecrets(text, secretsOf(args, environment))).not.toMatch(/hunter/);
  });
});

describe("lines", () => {
  it.each([
    ["LF and CR LF, and a last line without", ["a\nb\r\nc"], ["a", "b", "c"]],
    ["cut anywhere", ["a", "b\r", "\nc", "\n", "d"], ["ab", "c", "d"]],
    ["that are empty", ["\n\r\n\n", "a\n"], ["a"]],
    ["of nothing", [], []],
    ["with white space", [" a \n"], [" a "]],
    ["after a byte order mark", ["\ufeff", "a\r", "\n\ufeffb"], ["a", "\ufeffb"]],
    ["of nothing but a byte order mark", ["\ufeff\n"], []],
  ])("are read to the byte: %s", async (_, chunks, wanted) => {
    const found: string[] = [];
    const source = (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk);
    })();
    for await (const line of splitLines(source)) found.push(Buffer.from(line).toString());
    expect(found).toEqual(wanted);
  });
});

describe("completion", () => {
  it.each([
    ["commands", ["pu"], /^push\t.*\n:\n$/],
    ["commands below a command", ["dead", "re"], /^redrive\t.*\n:\n$/],
    ["options", ["stats", "emails", "--wat"], /^--watch\t.*\n:\n$/],
    ["values of an option", ["push", "emails", "--engine", "p"], /^plain\t\n:\n$/],
    ["values of an option in one word", ["push", "--engine=p"], /^--engine=plain\t\n:\n$/],
    ["values of an option as bash cuts them", ["push", "--engine", "=", "p"], /^plain\t\n:\n$/],
    ["all values of an option as bash cuts them", ["push", "--engine", "="], /^scripted\t\nplain\t\n:\n$/],
    ["files as values", ["drain", "--handler", ""], /^:files\n$/],
    ["files as values in one word", ["drain", "--handler=src/"], /^:files\n$/],
    ["no values of what takes none", ["stats", "emails", "--watch=p"], /^:\n$/],
    ["words whose quote is open", ["dead", "'re"], /^redrive\t.*\n:\n$/],
    ["files as arguments", ["init", ""], /^:files\n$/],
    ["choices of an argument", ["completion", "z"], /^zsh\t\n:\n$/],
    ["nothing where a name is free", ["stats", "x"], /^:\n$/],
    ["nothing after what there is not", ["nope", "--x"], /:\n$/],
    ["words that look like options", ["--", "--url"], /:\n$/],
  ])("offers %s", async (_, words, wanted) => {
    const { stdout, code } = await runInside(["complete", "--", ...words]);
    expect(stdout).toMatch(wanted);
    expect(code).toBe(0);
  });

  it("knows three shells, and no other", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      expect((await runInside(["completion", shell])).stdout).toContain("spillway complete -- ");
    }
    expect((await runInside(["completion", "tcsh"])).code).toBe(2);
  });
});

describe("templates of init", () => {
  it.each(templates.map((template) => [template.name, template] as const))(
    "name the list wherever it stands, whatever it is called: %s",
    (_, template) => {
      const list = `it's "$&" \${x}`;
      const files = projectOf(template, list, "1.2.3");
      const sources = [...files].filter(([path]) => path.endsWith(".ts")).map(([, text]) => text);
      expect(sources.join()).toContain(JSON.stringify(list));
      expect([...files.values()].join()).not.toContain('"emails"');
      expect(JSON.parse(files.get("package.json") ?? "")).toMatchObject({
        dependencies: { spillway: "^1.2.3" },
        // The first Node that runs TypeScript as it is.
        engines: { node: ">=22.18" },
      });
    },
  );
});

describe("doctor", () => {
  const guide = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8");
  const rows = [...guide.matchAll(/^\| `(\{emails\}:[^`]+)` +\| (\w+) +\|/gm)];

  it.each(rows.map(([, key = "", type = ""]) => [key, type] as const))(
    "takes %s for the list's own %s, as docs/architecture.md has it",
    (key, type) => {
      expect(typeOf(listKeys("emails"), key.replace(/<[^>]+>/g, "x"))).toBe(type);
    },
  );

  it("is told of every key", () => {
    expect(rows.length).toBeGreaterThan(15);
  });
});

describe("the command line", () => {
  it.each([
    ["dev", ["dev", "emails", "--handler", "none.ts"]],
    ["redis", ["redis"]],
  ])("%s stands in front of a redis:// URL, and refuses another without a stack", async (_, args) => {
    for (const url of ["hunter22", "https://u:hunter22@host", "redis://hunter 22"]) {
      const { code, stderr } = await runInside([...args, "--url", url]);
      expect(stderr).toBe(
        'error: Option "--url" must be redis://host:port, or rediss://; got another text.\n',
      );
      expect(code).toBe(2);
    }
  });

  it("says where init cannot write, and how to go to a folder whatever it is called", async () => {
    const root = await mkdtemp(join(tmpdir(), "spillway-init-"));
    const file = join(root, "file");
    await writeFile(file, "");
    const refused = await runInside(["init", file, "--template", "node"]);
    expect(refused.stderr).toMatch(/^error: Option "folder" .* an error \(\w+\) at handler.ts\.\n$/);
    expect(refused.code).toBe(2);
    const folder = join(root, "it's mine");
    const { stdout } = await runInside(["init", folder, "--template", "node", "--json"]);
    expect(JSON.parse(stdout).next[0]).toBe(`cd '${root}/it'\\''s mine'`);
    await rm(root, { recursive: true });
  });
});
