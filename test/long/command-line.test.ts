import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { useCommandLine } from "../support/command-line.ts";
import { type Ended, runInside } from "../support/command-line-inside.ts";
import { Program } from "../support/program.ts";
import { useRedisServer } from "../support/redis-under-test.ts";
import { until } from "../support/until.ts";

const { root, start, run, file } = useCommandLine();
const { door, server } = useRedisServer();
const died = (payload: string, at: number): string =>
  `{"id":"d.1.${at}","attempts":1,"firstFailedAt":1,"lastFailedAt":${at},"reason":"exhausted"}\n${payload}`;
const esc = "\u001b";

describe("the command line in a terminal", () => {
  const typed = (args: string, environment: Record<string, string> = {}): Program =>
    new Program(
      "script",
      ["-qec", `stty cols 100 rows 40; exec '${process.execPath}' '${root}dist/cli.js' ${args}`, "/dev/null"],
      {
        folder: root,
        environment: { REDIS_URL: server().url, TERM: "xterm", ...environment },
        input: "typed",
      },
    );

  it("asks before it deletes, and takes no, silence and Escape for no", async () => {
    await door.redis.lpush("{emails}:dead", died("m", 1), died("n", 2));
    for (const [answer, code] of [
      ["n", 1],
      ["\r", 1],
      ["\u001b", 1],
      ["y", 0],
    ] as const) {
      const program = typed("dead purge emails");
      await program.printed(/Delete 2 dead letters of "emails"\?/);
      program.type(answer);
      expect((await program.ended).code, JSON.stringify(answer)).toBe(code);
      expect(await door.redis.llen("{emails}:dead")).toBe(code === 0 ? 0 : 2);
    }
  });

  it("has colours and draws anew with --watch; not with NO_COLOR", async () => {
    await door.redis.lpush("{emails}:dead", died("m", 1));
    const watching = typed("stats emails --watch --interval-ms 100", { NO_COLOR: "" });
    await watching.printed(new RegExp(`${esc}\\[31m1${esc}`));
    await watching.printed(new RegExp(`${esc}\\[2A`));
    watching.type("\u0003");
    expect((await watching.ended).code).toBe(0);
    const plain = typed("stats emails");
    expect((await plain.ended).code).toBe(0);
    expect(plain.output).not.toContain("\u001b[31m");
  });

  it("pushes what it has read by Ctrl-C, and reads no more", async () => {
    const program = typed("push emails --file -");
    program.type("one\r");
    await program.printed(/1 message\b/);
    program.type("\u0003");
    expect((await program.ended).code).toBe(1);
    expect(await door.redis.lrange("emails", 0, -1)).toEqual(["one"]);
  });

  it("shows how far a file has been pushed", async () => {
    const lines = await file(`${"x".repeat(1_000)}\n`.repeat(20_000), "txt");
    const program = typed(`push emails --file '${lines}'`);
    await program.printed(/\[#* +\] \d+ %/);
    expect((await program.ended).code).toBe(0);
    expect(program.output).toContain("Pushed 20000 messages");
  });
});

describe("the command line as processes of its own", () => {
  it("watches no longer than somebody reads", async () => {
    const line = `'${process.execPath}' '${root}dist/cli.js' stats emails --watch --interval-ms 100 | head -1`;
    const environment = { REDIS_URL: server().url };
    const program = new Program("bash", ["--norc", "-c", line], { folder: root, environment });
    expect((await program.ended).code).toBe(0);
    expect(program.output).toMatch(/^list +waiting/);
  });

  /** What its output may be led to, and how it ends. Add a row for what has been met. */
  const outputs: readonly (readonly [what: string, args: string, to: string, code: number, says: RegExp])[] =
    [
      ["that nobody reads", "completion bash", "| true", 0, /^$/],
      ["that nobody reads, asked by a shell", "complete -- ''", "| true", 0, /^$/],
      ["that nobody reads to its end", "--help", "| head -1", 0, /^Usage: spillway.*\n$/],
      ["that is closed", "stats emails", ">&-", 0, /^$/],
      ["that is full", "stats emails", "> /dev/full", 1, /^error: .* could not be written \(ENOSPC\)\.\n$/],
      [
        "that is full, while it watches",
        "stats emails --watch --interval-ms 100",
        "> /dev/full",
        1,
        /^error: .* could not be written \(ENOSPC\)\.\n$/,
      ],
    ];
  it.each(outputs)("ends well with an output %s", async (_, args, to, code, says) => {
    const line = `set -o pipefail; '${process.execPath}' '${root}dist/cli.js' ${args} ${to}`;
    const environment = { REDIS_URL: server().url };
    const program = new Program("bash", ["--norc", "-c", line], { folder: root, environment });
    expect((await program.ended).code).toBe(code);
    expect(program.output).toMatch(says);
  });

  it.each([
    ["stats emails", 1],
    ["stats emails --watch", 0],
    ["peek emails", 1],
    ["doctor emails", 1],
    ["dead list emails", 1],
  ])("ends at once by a signal where the server does not answer: %s", async (args, code) => {
    const silent = createServer((socket) => void socket.on("error", () => undefined).resume());
    await once(silent.listen(0, "127.0.0.1"), "listening");
    const asked = once(silent, "connection");
    const { port } = silent.address() as AddressInfo;
    const program = start([...args.split(" "), "--timeout-ms", "300000"], {
      REDIS_URL: `redis://127.0.0.1:${port}`,
    });
    await asked;
    const signalledAt = performance.now();
    program.signal("SIGINT");
    expect((await program.ended).code).toBe(code);
    // Its grace would be ten seconds.
    expect(performance.now() - signalledAt).toBeLessThan(8_000);
    silent.close();
  });

  it("says what it is", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(await run(["--version"])).toMatchObject({ code: 0, output: `${version}\n` });
  });

  it("dev does not load the handler anew because of what it prints into the same folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "spillway-dev-"));
    const handler = join(folder, "handler.mjs");
    const output = join(folder, "output.txt");
    await writeFile(handler, 'export default (m) => console.log("handled " + m.payload);');
    const ports = "--port 0 --app-port 0 --token t0ken --memory";
    const line = `exec '${process.execPath}' '${root}dist/cli.js' dev emails --handler '${handler}' ${ports} > '${output}'`;
    const dev = new Program("bash", ["--norc", "-c", line], { folder: root, environment: {} });
    const printed = (): string => readFileSync(output, "utf8");
    await until(() => existsSync(output) && /UPSTASH_REDIS_REST_URL=\S+\n/.test(printed()));
    const [, url = ""] = /UPSTASH_REDIS_REST_URL=(\S+)/.exec(printed()) ?? [];
    const environment = { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: "t0ken" };
    for (const payload of ["one", "two"]) {
      await runInside(["push", "emails", payload], environment);
      await until(() => printed().includes(`handled ${payload}`));
    }
    await writeFile(handler, 'export default (m) => console.log("changed " + m.payload);');
    await until(() => printed().includes("loaded anew.\n"));
    await runInside(["push", "emails", "three"], environment);
    await until(() => printed().includes("changed three"));
    expect(printed().match(/loaded anew\.\n/g)).toHaveLength(1);
    dev.signal("SIGTERM");
    expect((await dev.ended).code).toBe(0);
    await rm(folder, { recursive: true });
  });

  it("dev serves, drains, and loads the handler anew when its folder changes", async () => {
    const folder = await mkdtemp(join(tmpdir(), "spillway-dev-"));
    const handler = join(folder, "handler.mjs");
    const write = (word: string): Promise<void> =>
      writeFile(handler, `import "./part.mjs"; export default (m) => console.log("${word} " + m.payload);`);
    await writeFile(join(folder, "part.mjs"), "");
    await write("first");
    const dev = start([
      "dev",
      "emails",
      "--handler",
      handler,
      "--port",
      "0",
      "--app-port",
      "0",
      "--token",
      "t0ken",
      "--memory",
    ]);
    const [, url = ""] = await dev.printed(/UPSTASH_REDIS_REST_URL=(\S+)/);
    const [, app = ""] = await dev.printed(/HTTP API on (http:[^,]+),/);
    const push = (payload: string): Promise<Ended> =>
      runInside(["push", "emails", payload], {
        UPSTASH_REDIS_REST_URL: url,
        UPSTASH_REDIS_REST_TOKEN: "t0ken",
      });
    await push("one");
    await dev.printed(/first one/);
    await write("second");
    await dev.printed(/loaded anew\.\n/);
    await push("two");
    await dev.printed(/second two/);
    const ask = (token: string): Promise<Response> =>
      fetch(`${app}/stats`, { headers: { authorization: `Bearer ${token}` } });
    expect((await ask("t0ken")).status).toBe(200);
    expect((await ask("another")).status).toBe(401);
    expect(await (await fetch(`${app}/ui`)).text()).toContain("<!doctype html>");
    expect(dev.output).not.toContain("t0ken");
    await writeFile(handler, 'console.log("loops as " + process.pid); for (;;);');
    const [, pid = ""] = await dev.printed(/loops as (\d+)/);
    // The second signal ends it at once, and what hears none goes with it.
    dev.signal("SIGTERM");
    dev.signal("SIGINT");
    expect((await dev.ended).code).toBe(1);
    await until(() => !existsSync(`/proc/${pid}`));
    await rm(folder, { recursive: true });
  });
});
