import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { startRestServer } from "../../adapters/local/rest-server.ts";
import { useCommandLine } from "../support/command-line.ts";

const { temporary, start, run, file } = useCommandLine();

describe("spillway drain", () => {
  it.each([
    ["the in-memory store", ["--memory"]],
    ["redis-server", []],
  ])("drains the sample over REST in front of %s, adds it up, and leaves nothing behind", async (_, args) => {
    const { code, output } = await run(["drain", ...args], {
      UPSTASH_REDIS_REST_URL: "http://127.0.0.1:1",
      UPSTASH_REDIS_REST_TOKEN: "never-used",
    });
    expect(output).toMatch(/acked +615\b/);
    expect(output).toMatch(/remaining +0\b/);
    expect(output).toContain("'EUR'");
    expect(code).toBe(0);
    expect(readdirSync(temporary())).toEqual([]);
  });

  it("runs a handler of one's own on lines of one's own, and ends though the handler leaves a timer", async () => {
    const lines = await file("one\ntwo\r\nthree\n", "txt");
    const path = await file(
      "setInterval(() => {}, 1000); export const handler = (m: { payload: string }): void => console.log('<' + m.payload + '>');",
    );
    const { code, output } = await run(["drain", "mine", "--memory", "--file", lines, "--handler", path]);
    for (const line of ["<one>", "<two>", "<three>"]) expect(output).toContain(line);
    expect(code).toBe(0);
  });

  it("exits with 1 and says what the handler threw when a message was not handled", async () => {
    const path = await file("export default () => { throw new Error('smtp down'); };");
    const { code, output } = await run(["drain", "mine", "--memory", "--handler", path]);
    expect(output).toMatch(/stopped +braked\b/);
    expect(output).toContain("Error: smtp down");
    expect(code).toBe(1);
  });

  it.each([
    ["waits for ever", "await new Promise(() => {});", {}, /it awaits something that never comes\.\n$/],
    ["throws what has no text", "throw { toString() { throw 1; } };", {}, /it throws an object\.\n$/],
    [
      "is TypeScript, on a Node that runs none",
      "export default () => {};",
      { NODE_OPTIONS: "--no-experimental-strip-types" },
      /does not run TypeScript; Node 22\.18 and newer do\.\n$/,
    ],
  ])("says in one line that its handler's file %s", async (_, text, environment, says) => {
    const path = await file(text, "ts");
    const { code, output } = await run(["drain", "mine", "--memory", "--handler", path], environment);
    expect(output).toMatch(says);
    expect(output).toMatch(/^error: [^\n]*\n$/);
    expect(code).toBe(2);
  });

  it("exits with 0 where it has handled as many messages as it was asked to", async () => {
    const lines = await file("one\ntwo\nthree\n", "txt");
    const path = await file("export default () => undefined;");
    const args = ["drain", "mine", "--memory", "--file", lines, "--handler", path, "--max-messages", "2"];
    const { code, output } = await run(args);
    expect(output).toMatch(/stopped +limit\b/);
    expect(code).toBe(0);
  });

  it.each([
    ["a list of one's own", ["emails"]],
    ["the sample's name in one's own Redis", ["webhooks"]],
    ["a Redis of one's own", ["webhooks", "--url", "URL"]],
    ["messages of one's own", ["--memory", "--file", "/nowhere"]],
  ])("never runs the sample on %s: it says how to give a handler", async (_, args) => {
    const backend = memory();
    for (const list of ["emails", "webhooks"]) await backend.command(["LPUSH", list, "a real message"]);
    const rest = await startRestServer({ port: 0, token: "t0ken", backend });
    const { code, output } = await run(["drain", ...args.map((arg) => (arg === "URL" ? rest.url : arg))], {
      UPSTASH_REDIS_REST_URL: rest.url,
      UPSTASH_REDIS_REST_TOKEN: "t0ken",
    });
    expect(output).toMatch(/"--handler".*exports a function as default or handler/);
    expect(code).toBe(2);
    for (const list of ["emails", "webhooks"]) expect(await backend.command(["LLEN", list])).toBe(1);
    await rest.close();
  });

  it("drains the list that the Upstash variables lead to, by one's own handler", async () => {
    const backend = memory();
    await backend.command(["LPUSH", "emails", "a real message"]);
    const rest = await startRestServer({ port: 0, token: "t0ken", backend });
    const path = await file("export default (m) => console.log('<' + m.payload + '>');", "mjs");
    const { code, output } = await run(["drain", "emails", "--handler", path], {
      UPSTASH_REDIS_REST_URL: rest.url,
      UPSTASH_REDIS_REST_TOKEN: "t0ken",
    });
    expect(output).toContain("<a real message>");
    expect(code).toBe(0);
    expect(await backend.command(["DBSIZE"])).toBe(0);
    await rest.close();
  });

  it.each<[string, string, string, RegExp]>([
    [
      "a syntax error",
      "const a = 1;\nexport default () => {\n  const = 2;\n};\n",
      "mjs",
      /SyntaxError.* at \S+\.mjs:3\b/,
    ],
    [
      "a syntax error",
      "const a: number = 1;\nexport default () => {\n  const = 2;\n};\n",
      "ts",
      /SyntaxError.* at \S+\.ts:3\b/,
    ],
    ["an error as it loads", "\nthrow new Error('no database');\n", "mjs", /no database at \S+\.mjs:2\b/],
    ["an import that is not there", "import './nowhere.mjs';\n", "mjs", /Cannot find module/],
    [
      "no handler",
      "export const handle = () => {};\n",
      "mjs",
      /exports a function as default or handler.*exports handle\b/,
    ],
    [
      "a handler that is none",
      "export default { handler() {} };\n",
      "mjs",
      /exports a function as default or handler/,
    ],
    ["nothing", "", "mjs", /which exports nothing/],
  ])("says file, line and cure for a handler file with %s", async (_, text, extension, wanted) => {
    const path = await file(text, extension);
    const { code, output } = await run(["drain", "--memory", "--handler", path]);
    expect(output).toMatch(wanted);
    expect(output).toContain(path);
    expect(code).toBe(2);
  });

  it("releases what has not begun when it is told to end", async () => {
    const path = await file(
      "export default (m) => new Promise((done) => { console.log('begun'); m.signal.addEventListener('abort', done); });",
      "mjs",
    );
    const program = start(["drain", "--memory", "--handler", path]);
    await program.printed(/begun/);
    program.signal("SIGTERM");
    expect((await program.ended).code).toBe(1);
    expect(program.output).toMatch(/stopped +aborted/);
  });

  it.each([
    ["an unknown option", ["--nope"]],
    ["a count that is none", ["--batch-size", "many"]],
    ["a handler that is not there", ["--memory", "--handler", "/nowhere/handler.ts"]],
    ["a URL without a token", ["l", "--url", "http://127.0.0.1:1", "--handler", "HANDLER", "--token", ""]],
    ["a URL without a list", ["--url", "http://127.0.0.1:1", "--handler", "HANDLER"]],
    ["a URL and an embedded store", ["l", "--url", "http://127.0.0.1:1", "--memory", "--handler", "HANDLER"]],
    ["a file that is not there", ["--memory", "--handler", "HANDLER", "--file", "/nowhere/lines"]],
  ])("exits with 2 and says why for %s", async (_, args) => {
    const path = await file("export default () => {};", "mjs");
    const { code, output } = await run(["drain", ...args.map((arg) => (arg === "HANDLER" ? path : arg))]);
    expect(output).toMatch(/error: ./);
    expect(code).toBe(2);
  });
});
