import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { memory } from "../../adapters/local/memory.ts";
import { startRestServer } from "../../adapters/local/rest-server.ts";
import { Program } from "../support/program.ts";
import { until } from "../support/until.ts";

const root = new URL("../../", import.meta.url).pathname;
let folder: string;
let temporary: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "spillway-start-"));
});

beforeEach(async () => {
  temporary = await mkdtemp(join(folder, "tmp-"));
});

afterAll(() => rm(folder, { recursive: true }));

/** The built command line: it starts in half the time of its sources, which `npm start` runs. */
function start(
  args: readonly string[],
  environment: Record<string, string> = {},
  program = "dist/cli.js",
): Program {
  const server = process.env.SPILLWAY_REDIS_SERVER;
  return new Program(process.execPath, [join(root, program), ...args], {
    folder: root,
    environment: { TMPDIR: temporary, ...(server ? { SPILLWAY_REDIS_SERVER: server } : {}), ...environment },
  });
}

async function run(
  args: readonly string[],
  environment = {},
): Promise<{ code: number | null; output: string }> {
  const program = start(args, environment);
  const { code } = await program.ended;
  return { code, output: program.output };
}

let fileCount = 0;
async function file(text: string, extension = "ts"): Promise<string> {
  const path = join(folder, `file-${++fileCount}.${extension}`);
  await writeFile(path, text);
  return path;
}

describe("npm start", () => {
  it("is the drain command, and drains the sample from the sources", async () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(scripts.start).toBe("node cli/main.ts drain");
    const program = start(["drain"], {}, "cli/main.ts");
    expect((await program.ended).code).toBe(0);
    expect(program.output).toMatch(/acked +615\b/);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

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
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("runs a handler of one's own on lines of one's own, and ends though the handler leaves a timer", async () => {
    const lines = await file("one\ntwo\r\nthree\n", "txt");
    const path = await file(
      "setInterval(() => {}, 1000); export const handler = (m: { payload: string }): void => console.log('<' + m.payload + '>');",
    );
    const { code, output } = await run([
      "drain",
      "--memory",
      "--list",
      "mine",
      "--file",
      lines,
      "--handler",
      path,
    ]);
    for (const line of ["<one>", "<two>", "<three>"]) expect(output).toContain(line);
    expect(code).toBe(0);
  });

  it("exits with 1 and says what the handler threw when a message was not handled", async () => {
    const path = await file("export default () => { throw new Error('smtp down'); };");
    const { code, output } = await run(["drain", "--memory", "--list", "mine", "--handler", path]);
    expect(output).toMatch(/stopped +braked\b/);
    expect(output).toContain("Error: smtp down");
    expect(code).toBe(1);
  });

  it.each([
    ["a list of one's own", ["--list", "emails"]],
    ["the sample's name in one's own Redis", ["--list", "webhooks"]],
    ["a Redis of one's own", ["--url", "URL", "--list", "webhooks"]],
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
    const { code, output } = await run(["drain", "--list", "emails", "--handler", path], {
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
    [
      "a URL without a token",
      ["--url", "http://127.0.0.1:1", "--list", "l", "--handler", "HANDLER", "--token", ""],
    ],
    ["a URL without a list", ["--url", "http://127.0.0.1:1", "--handler", "HANDLER"]],
    [
      "a URL and an embedded store",
      ["--url", "http://127.0.0.1:1", "--list", "l", "--memory", "--handler", "HANDLER"],
    ],
    ["a file that is not there", ["--memory", "--handler", "HANDLER", "--file", "/nowhere/lines"]],
  ])("exits with 2 and says why for %s", async (_, args) => {
    const path = await file("export default () => {};", "mjs");
    const { code, output } = await run(["drain", ...args.map((arg) => (arg === "HANDLER" ? path : arg))]);
    expect(output).toMatch(/error: ./);
    expect(code).toBe(2);
  });
});

describe("spillway redis", () => {
  const serve = (...args: string[]): Program => start(["redis", "--port", "0", "--token", "t0ken", ...args]);
  const isAlive = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  const ask = async (url: string, path: string): Promise<unknown> => {
    const response = await fetch(`${url}/${path}`, { headers: { authorization: "Bearer t0ken" } });
    return ((await response.json()) as { result: unknown }).result;
  };

  it("says on one line where it is and what stands behind it, and serves", async () => {
    const program = serve("--memory");
    const [, url = ""] = await program.printed(
      /Upstash REST on (http:\S+), in front of the embedded in-memory store/,
    );
    expect(await ask(url, "ping")).toBe("PONG");
    expect(program.output).not.toContain("t0ken");
    program.signal("SIGTERM");
    expect((await program.ended).code).toBe(0);
  });

  it.each<[string, NodeJS.Signals | "crash", number | null]>([
    ["SIGINT", "SIGINT", 0],
    ["SIGTERM", "SIGTERM", 0],
    ["SIGHUP", "SIGHUP", 0],
    ["SIGKILL", "SIGKILL", null],
    ["the end of its redis-server", "crash", 1],
  ])("leaves no process and no folder behind after %s, though one still listens", async (_, how, code) => {
    const program = serve();
    const [, url = ""] = await program.printed(
      /Upstash REST on (http:\S+), in front of a redis-server of its own/,
    );
    const pid = Number(/process_id:(\d+)/.exec(String(await ask(url, "info/server")))?.[1]);
    expect(isAlive(pid)).toBe(true);
    expect(readdirSync(temporary)).toHaveLength(1);
    const headers = { authorization: "Bearer t0ken", accept: "text/event-stream" };
    const listening = await fetch(`${url}/subscribe/c`, { method: "POST", headers });
    if (how === "crash") process.kill(pid, "SIGKILL");
    else program.signal(how);
    expect((await program.ended).code).toBe(code);
    await listening.text().catch(() => undefined);
    await until(() => !isAlive(pid));
    await until(() => readdirSync(temporary).length === 0);
  });

  it("leaves nothing behind where its port is taken, and says so", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    const { code, output } = await run(["redis", "--port", String(port), "--token", "t0ken"]);
    expect(output).toContain("error: the port is taken: give another --port");
    expect(code).toBe(1);
    expect(readdirSync(temporary)).toEqual([]);
    taken.close();
  });

  it.each([
    ["a bad port", ["redis", "--port", "70000"]],
    ["a bad URL", ["redis", "--url", "http://x"]],
    ["an empty token", ["redis", "--memory", "--token", ""]],
    ["a blank token", ["redis", "--memory", "--token", "  "]],
    ["no command that there is", ["nope"]],
  ])("exits with 2 for %s", async (_, args) => {
    expect((await run(args)).code).toBe(2);
  });
});
