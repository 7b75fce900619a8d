import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url).pathname;

function run(script: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(root, "cli", script), ...args], { cwd: root });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

describe("npm start", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "spillway-start-"));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  const handler = async (code: string): Promise<string> => {
    const path = join(folder, `handler-${Math.abs(hash(code))}.ts`);
    await writeFile(path, code);
    return path;
  };

  it.each([
    ["the in-memory store", ["--memory"]],
    ["redis-server", []],
  ])("drains the sample over REST in front of %s, and adds it up", async (_, args) => {
    const { code, output } = await run("start.ts", args);
    expect(output).toMatch(/acked +615\b/);
    expect(output).toMatch(/remaining +0\b/);
    expect(output).toContain("'EUR'");
    expect(code).toBe(0);
  });

  it("runs a handler of one's own on lines of one's own", async () => {
    const lines = join(folder, "lines.txt");
    await writeFile(lines, "one\ntwo\nthree\n");
    const path = await handler(
      "export const handler = (m: { payload: string }): void => console.log('<' + m.payload + '>');",
    );
    const { code, output } = await run("start.ts", [
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

  it("exits with 1 when a message was not handled", async () => {
    const path = await handler("export default () => { throw new Error('no'); };");
    const { code, output } = await run("start.ts", ["--memory", "--list", "mine", "--handler", path]);
    expect(output).toMatch(/stopped +braked\b/);
    expect(code).toBe(1);
  });

  it.each([
    ["an unknown option", ["--nope"]],
    ["a count that is none", ["--batch-size", "many"]],
    ["a handler that is not there", ["--memory", "--handler", "/nowhere/handler.ts"]],
    ["a URL without a token", ["--url", "http://127.0.0.1:1", "--token", ""]],
  ])("exits with 2 and says why for %s", async (_, args) => {
    const { code, output } = await run("start.ts", args);
    expect(output).toMatch(/error: ./);
    expect(code).toBe(2);
  });
});

describe("spillway redis", () => {
  it("says on one line where it is and what stands behind it, serves, and ends on SIGTERM", async () => {
    const child = spawn(process.execPath, [
      join(root, "cli/main.ts"),
      "redis",
      "--port",
      "0",
      "--token",
      "T",
      "--memory",
    ]);
    const [line] = (
      await new Promise<string>((resolve) => {
        child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString()));
      })
    ).split("\n");
    const url = /http:\/\/\S+?(?=,)/.exec(line as string)?.[0] as string;
    expect(line).toContain("in-memory store");

    const response = await fetch(`${url}/ping`, { headers: { authorization: "Bearer T" } });
    expect(await response.json()).toEqual({ result: "PONG" });

    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  it.each([
    ["a bad port", ["redis", "--port", "70000"]],
    ["a bad URL", ["redis", "--url", "http://x"]],
    ["an empty token", ["redis", "--token", ""]],
  ])("exits with 2 for %s", async (_, args) => {
    expect((await run("main.ts", args)).code).toBe(2);
  });
});

function hash(text: string): number {
  let sum = 0;
  for (const character of text) sum = (sum * 31 + character.charCodeAt(0)) | 0;
  return sum;
}
