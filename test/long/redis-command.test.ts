import { readdirSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { useCommandLine } from "../support/command-line.ts";
import type { Program } from "../support/program.ts";
import { until } from "../support/until.ts";

const { temporary, start, run, file } = useCommandLine();

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
    expect(readdirSync(temporary())).toHaveLength(1);
    const headers = { authorization: "Bearer t0ken", accept: "text/event-stream" };
    const listening = await fetch(`${url}/subscribe/c`, { method: "POST", headers });
    if (how === "crash") process.kill(pid, "SIGKILL");
    else program.signal(how);
    expect((await program.ended).code).toBe(code);
    await listening.text().catch(() => undefined);
    await until(() => !isAlive(pid));
    await until(() => readdirSync(temporary()).length === 0);
  });

  it("leaves nothing behind where its port is taken, and says so", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    const { code, output } = await run(["redis", "--port", String(port), "--token", "t0ken"]);
    expect(output).toContain(`error: port ${port} is taken: `);
    expect(code).toBe(1);
    expect(readdirSync(temporary())).toEqual([]);
    taken.close();
  });

  it("says in one line that the redis-server it found does not start, and what serves without one", async () => {
    const broken = await file("#!/bin/sh\nexit 3\n", "sh");
    await chmod(broken, 0o755);
    const { code, output } = await run(["redis", "--port", "0"], { SPILLWAY_REDIS_SERVER: broken });
    expect(output).toMatch(
      /^error: \S+ ended with code 3 before it answered .* With --memory, none is needed\.\n$/,
    );
    expect(code).toBe(1);
    expect(readdirSync(temporary())).toEqual([]);
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
