import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRedisServer } from "../../adapters/local/redis-process.ts";
import { Program } from "../support/program.ts";

const root = new URL("../../", import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const installTimeoutMs = 180_000;
const installedBytesMax = 10 * 1024 * 1024;

describe("the package alone in an empty folder, as npm installs it", () => {
  let folder: string;
  const inside = (path: string): string => join(folder, "node_modules/spillway", path);
  const run = async (code: string): Promise<string> => {
    await writeFile(join(folder, "try.mjs"), code);
    return execFileSync(process.execPath, ["try.mjs"], { cwd: folder, encoding: "utf8" });
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "spillway-installed-"));
    const npm = (args: readonly string[], cwd: string): string =>
      execFileSync("npm", [...args], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const [{ filename }] = JSON.parse(
      npm(["pack", "--ignore-scripts", "--json", "--pack-destination", folder], root),
    ) as [{ filename: string }];
    await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    npm(["install", "--prefer-offline", "--no-audit", "--no-fund", `./${filename}`], folder);
  }, installTimeoutMs);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("is less than 10 MB, with all that it brings", async () => {
    const files = globSync("node_modules/**", { cwd: folder, withFileTypes: true }).filter((file) =>
      file.isFile(),
    );
    let bytes = 0;
    for (const file of files) bytes += (await stat(join(file.parentPath, file.name))).size;
    expect(bytes).toBeLessThan(installedBytesMax);
  });

  it("imports nothing but Node's own modules and what package.json declares", () => {
    const declared = new Set([
      ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
      ...builtinModules,
    ]);
    const imports = /^(?:import|export)\b[^;"'\n]*?"([^"]+)"|\bimport\("([^"]+)"\)/gm;
    const found = globSync("dist/*.js", { cwd: inside("") }).flatMap((path) =>
      [...readFileSync(inside(path), "utf8").matchAll(imports)].map((match) => match[1] ?? match[2] ?? ""),
    );
    const packages = found
      .filter((name) => !/^(\.|node:)/.test(name))
      .map((name) => (name.startsWith("@") ? name.split("/").slice(0, 2).join("/") : name.split("/")[0]));
    expect(packages).toContain("hono");
    for (const name of packages) expect(declared, name).toContain(name);
  });

  it("keeps the license of everything that is built in", () => {
    const licenses = readFileSync(inside("dist/LICENSES.md"), "utf8");
    for (const name of ["@hono/node-server", "commander", "croner", "ioredis"]) {
      expect(licenses).toContain(`# ${name} `);
    }
    expect(readFileSync(inside("LICENSE"), "utf8")).toContain("MIT");
  });

  it("loads every entry, but for those that are made of the CDK and of OpenTelemetry", async () => {
    const names = Object.keys(manifest.exports).filter(
      (name) => !/package\.json|cdk|opentelemetry/.test(name),
    );
    const specifiers = names.map((name) => name.replace(/^\./, "spillway"));
    const output = await run(
      `for (const name of ${JSON.stringify(specifiers)}) console.log(name, Object.keys(await import(name)).length > 0);`,
    );
    expect(output.trim().split("\n")).toEqual(specifiers.map((name) => `${name} true`));
  });

  it.each([
    ["ioredis", "spillway/ioredis", 'm.ioredis({ url: "redis://127.0.0.1:1" }).command(["PING"])'],
    ["redis", "spillway/node-redis", 'm.nodeRedis({ url: "redis://127.0.0.1:1" }).command(["PING"])'],
    ["@aws-sdk/client-lambda", "spillway/lambda", 'm.recursionSetting("mine")'],
    ["@aws-sdk/client-ssm", "spillway/lambda", 'm.parameters(["/mine"])'],
  ])("says how to install %s where that is needed and missing", async (name, entry, call) => {
    const output = await run(
      `import * as m from "${entry}"; import { MissingPackageError } from "spillway";
       await ${call}.catch((error) => console.log(error instanceof MissingPackageError, error.code, error.message));`,
    );
    expect(output).toContain("true missing-package");
    expect(output).toContain(`npm install ${name}`);
  });

  const environment = { SPILLWAY_REDIS_SERVER: process.env.SPILLWAY_REDIS_SERVER ?? "" };
  const spillway = (...args: string[]): Program =>
    new Program(process.execPath, [inside("dist/cli.js"), ...args], { folder, environment });

  it.each<[string, () => Promise<{ args: string[]; stop(): Promise<void> }>]>([
    ["the in-memory store", async () => ({ args: ["--memory"], stop: async () => undefined })],
    ["a redis-server of its own", async () => ({ args: [], stop: async () => undefined })],
    [
      "the Redis at a URL",
      async () => {
        const server = await startRedisServer();
        return { args: ["--url", server.url], stop: () => server.stop() };
      },
    ],
  ])("serves REST by its own command line, without ioredis, in front of %s", async (_, open) => {
    const { args, stop } = await open();
    const program = spillway("redis", "--port", "0", "--token", "t0ken", ...args);
    try {
      const [, url] = await program.printed(/Upstash REST on (http:\S+),/);
      const headers = { authorization: "Bearer t0ken" };
      const ask = async (path: string, more = {}): Promise<string> =>
        (await fetch(`${url}/${path}`, { headers: { ...headers, ...more } })).text();
      expect(await ask("set/greeting/hello")).toBe('{"result":"OK"}');
      expect(await ask("get/greeting")).toBe('{"result":"hello"}');
      expect(await ask("get/greeting", { "upstash-response-format": "resp2" })).toBe("$5\r\nhello\r\n");
      expect(await ask("hset/h/ab/cd")).toBe('{"result":1}');
      expect(await ask("hgetall/h")).toBe('{"result":["ab","cd"]}');
    } finally {
      program.signal("SIGTERM");
      await program.ended;
      await stop();
    }
  });

  it("drains its sample by its own command line, and a list by one's own handler", async () => {
    const sample = spillway("drain");
    expect((await sample.ended).code).toBe(0);
    expect(sample.output).toMatch(/acked +615\b/);
    await writeFile(
      join(folder, "mine.mjs"),
      "export default ({ payload }) => console.log('<' + payload + '>');",
    );
    await writeFile(join(folder, "lines.txt"), "one\ntwo\n");
    const mine = spillway("drain", "mine", "--handler", "mine.mjs", "--file", "lines.txt");
    expect((await mine.ended).code).toBe(0);
    for (const line of ["<one>", "<two>"]) expect(mine.output).toContain(line);
  });
});
