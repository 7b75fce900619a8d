import { describe, expect, it } from "vitest";
import { useCommandLine } from "../support/command-line.ts";
import { Program } from "../support/program.ts";
import { useRedisServer } from "../support/redis-under-test.ts";

const { root, file } = useCommandLine();
const { door, server } = useRedisServer();
const died = (payload: string, at: number): string =>
  `{"id":"d.1.${at}","attempts":1,"firstFailedAt":1,"lastFailedAt":${at},"reason":"exhausted"}\n${payload}`;
const esc = "\u001b";

describe("the command line in a terminal", () => {
  const typed = (args: string, environment: Record<string, string> = {}): Program =>
    new Program("script", ["-qec", `'${process.execPath}' '${root}dist/cli.js' ${args}`, "/dev/null"], {
      folder: root,
      environment: { REDIS_URL: server().url, TERM: "xterm", ...environment },
      input: "typed",
    });

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

  it("shows how far a file has been pushed", async () => {
    const lines = await file(`${"x".repeat(1_000)}\n`.repeat(20_000), "txt");
    const program = typed(`push emails --file '${lines}'`);
    await program.printed(/\[#* +\] \d+ %/);
    expect((await program.ended).code).toBe(0);
    expect(program.output).toContain("Pushed 20000 messages");
  });
});
