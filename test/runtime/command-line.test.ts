import { describe, expect, it } from "vitest";
import { redisBackend } from "../../adapters/local/redis-backend.ts";
import { startRestServer } from "../../adapters/local/rest-server.ts";
import { useCommandLine } from "../support/command-line.ts";
import { type Ended, runInside as run } from "../support/command-line-inside.ts";
import { useRedisServer } from "../support/redis-under-test.ts";

const { file } = useCommandLine();
const { door, server } = useRedisServer();
const list = "emails";

const overTcp = () => ({ REDIS_URL: server().url });
const json = ({ stdout }: Ended): unknown => JSON.parse(stdout);
const died = (payload: string, at: number, reason = "exhausted") =>
  `{"id":"d.1.${at}","attempts":1,"firstFailedAt":1,"lastFailedAt":${at},"reason":"${reason}","error":{"name":"TypeError","message":"no"}}\n${payload}`;

describe.each(["REST", "TCP"])("the command line, over %s,", (way) => {
  const withRedis = async (work: (environment: Record<string, string>) => Promise<void>): Promise<void> => {
    if (way === "TCP") return work(overTcp());
    const rest = await startRestServer({
      port: 0,
      token: "t0ken",
      backend: redisBackend({ url: server().url }),
    });
    await work({ UPSTASH_REDIS_REST_URL: rest.url, UPSTASH_REDIS_REST_TOKEN: "t0ken" });
    await rest.close();
  };

  it("pushes arguments, files and its input, to the byte", async () => {
    await withRedis(async (environment) => {
      const pushed = await run(["push", list, '{"a":1}', "", "--json"], environment);
      expect(json(pushed)).toEqual({ list, pushed: 2, length: 2 });
      expect(await door.waiting(list)).toEqual(['{"a":1}', ""]);
      await door.redis.del(list);
      const lines = await file("one\r\ntwo\n\n  three", "ndjson");
      expect((await run(["push", list, "--file", lines], environment)).stdout).toContain("Pushed 3 messages");
      expect((await run(["push", "none", "m"], environment)).stdout).toContain("Pushed 1 message to");
      expect(await door.waiting(list)).toEqual(["one", "two", "  three"]);
      await door.redis.del(list);
      const bytes = Buffer.from([0xff, 0x00, 0x1b, 0x0a, 0xc3]);
      expect((await run(["push", list], environment, bytes)).code).toBe(0);
      expect(await door.redis.lrangeBuffer(list, 0, -1)).toEqual([bytes.subarray(4), bytes.subarray(0, 3)]);
    });
  });

  it("tells where messages are, pauses, resumes and limits", async () => {
    await withRedis(async (environment) => {
      await door.redis.lpush(list, "a", "b");
      expect((await run(["pause", list], environment)).stdout).toContain(`spillway resume ${list}`);
      const limit = { messages: 5, windowMs: 1_000 };
      expect(json(await run(["limits", list, "--messages", "5", "--json"], environment))).toEqual({
        list,
        limit,
      });
      const stats = json(await run(["stats", list, "none", "--json"], environment));
      expect(stats).toMatchObject({
        lists: [
          { name: list, list: 2, paused: true },
          { name: "none", list: 0 },
        ],
      });
      expect(json(await run(["resume", list, "--json"], environment))).toEqual({ list, paused: false });
      expect(json(await run(["limits", list, "--none", "--json"], environment))).toEqual({
        list,
        limit: null,
      });
      expect(await door.everything()).toEqual({ [list]: ["b", "a"] });
    });
  });

  it("keeps what each key may have where it sets the rate of all, and says both", async () => {
    await withRedis(async (environment) => {
      await door.redis.hset("{emails}:control", { keyLimit: 5, keyWindowMs: 1_000, keyInFlight: 2 });
      const perKey = { messages: 5, windowMs: 1_000, inFlight: 2 };
      expect((await run(["limits", list], environment)).stdout).toBe(
        '"emails": 5 of each key in 1000 ms, 2 of each key at once.\n',
      );
      const set = await run(["limits", list, "--messages", "10", "--json"], environment);
      expect(json(set)).toEqual({ list, limit: { messages: 10, windowMs: 1_000, perKey } });
      const taken = await run(["limits", list, "--none", "--json"], environment);
      expect(json(taken)).toEqual({ list, limit: { perKey } });
      expect(json(await run(["limits", list, "--json"], environment))).toEqual({ list, limit: { perKey } });
    });
  });

  it("tells of the lists of a pattern, and how many there are beside those", async () => {
    await withRedis(async (environment) => {
      const names = Array.from({ length: 1_000 }, (_, at) => `tenant:${at}`);
      await door.redis.hset("{tenant:*}:lists", { "tenant:1": "" });
      await door.redis.lpush("tenant:1", "a");
      expect(json(await run(["stats", "tenant:*", list, "--json"], environment))).toMatchObject({
        lists: [{ name: "tenant:1", list: 1 }, { name: list }],
        leftOut: 0,
      });
      await door.redis.hset("{tenant:*}:lists", Object.fromEntries(names.map((name) => [name, ""])));
      const found = await run(["stats", "tenant:*"], environment);
      expect(found.stdout.match(/^tenant:\d/gm)).toHaveLength(100);
      expect(found.stdout).toMatch(/^and 900 more lists of these patterns/m);
      expect(await run(["stats", "s*"], environment)).toMatchObject({ code: 0 });
    });
  });

  it("looks at messages, leases and dead letters, recovers, redrives and purges", async () => {
    await withRedis(async (environment) => {
      await door.redis.lpush(list, "a", "\u001b[31mred\u0007");
      await door.redis.lpush("{emails}:working:gone.1", "held");
      await door.redis.zadd("{emails}:leases", 1_000, "gone.1");
      await door.redis.lpush("{emails}:dead", died("first", 1), died("second", 2, "crashed"));
      const peeked = await run(["peek", list], environment);
      expect(peeked.stdout).toContain("\\e[31mred\\u{7}");
      expect(peeked.stdout).not.toContain("\u001b");
      const leases = json(await run(["leases", list, "--json"], environment));
      expect(leases).toMatchObject({ list, leases: [{ batch: "gone.1", count: 1, isExpired: true }] });
      expect(json(await run(["recover", list, "--json"], environment))).toMatchObject({ recovered: 1 });
      const listed = json(await run(["dead", "list", list, "--reason", "crashed", "--json"], environment));
      expect(listed).toMatchObject({ deadLetters: [{ id: "d.1.2", payload: "second" }] });
      const shown = await run(["dead", "show", list, "d.1.1"], environment);
      expect(shown.stdout).toMatch(/TypeError: no.*first/s);
      expect((await run(["dead", "show", list, "nobody"], environment)).code).toBe(1);
      const counted = await run(
        ["dead", "redrive", list, "--id", "d.1.1", "--dry-run", "--json"],
        environment,
      );
      expect(json(counted)).toEqual({ list, redriven: 1, dryRun: true });
      expect((await run(["dead", "redrive", list, "--id", "d.1.1", "--yes"], environment)).code).toBe(0);
      expect(json(await run(["dead", "purge", list, "--yes", "--json"], environment))).toMatchObject({
        purged: 1,
      });
      expect(await door.waiting(list)).toEqual(["held", "a", "\u001b[31mred\u0007", "first"]);
    });
  });
});

describe("the command line, called wrongly or in vain,", () => {
  const secret = "hunter22";
  /** What a stranger may type, and what comes of it; the secret comes out of none. Add a row for what has been met. */
  const rows: readonly (readonly [what: string, args: string[], code: number, wanted: RegExp])[] = [
    ["a command that there is not", ["psh"], 2, /Did you mean push\?/],
    ["a command like no other", ["nonesuch"], 2, /spillway --help/],
    ["an option that there is not", ["stats", list, "--timout-ms", "1"], 2, /Did you mean --timeout-ms\?/],
    [
      "a secret in an option that there is not",
      ["stats", list, `--tokne=${secret}`],
      2,
      /unknown option '--tokne=…'/,
    ],
    ["one argument too many", ["pause", list, secret], 2, /too many arguments/],
    ["a pattern that is none", ["stats", "a:*:*"], 2, /one star/],
    ["a pattern of all lists", ["stats", "*"], 2, /a star alone/],
    ["no list", ["pause"], 2, /missing required argument 'list'/],
    ["an empty list", ["pause", ""], 2, /"list"/],
    ["a list with half a hash tag", ["pause", "a}b"], 2, /hash tag/],
    ["a count beyond numbers", ["limits", list, "--messages", "1e21"], 2, /whole number/],
    ["a count that is none", ["peek", list, "--count", "NaN"], 2, /whole number/],
    ["a count of words", ["peek", list, "--count", "0x10"], 2, /whole number/],
    ["a moment that is none", ["push", list, "m", "--at", "tomorrow"], 2, /2026-/],
    ["a limit's window alone", ["limits", list, "--window-ms", "5"], 2, /--messages/],
    ["a URL of another protocol", ["stats", list, "--url", `ftp://u:${secret}@h`], 2, /another protocol/],
    ["a database that is none", ["stats", list, "--url", `redis://h/${secret}`], 2, /number of a database/],
    ["a URL that is none", ["stats", list, "--url", `${secret} x`], 2, /another text/],
    [
      "a URL that answers nothing",
      ["stats", list, "--url", `redis://u:${secret}@127.0.0.1:1`],
      1,
      /ECONNREFUSED/,
    ],
    ["a wrong password", ["stats", list, "--url", "WRONG"], 1, /WRONGPASS/],
    ["a token for TCP", ["stats", list, "--token", secret], 2, /--token/],
    [
      "a REST URL without a token",
      ["stats", list, "--url", "http://127.0.0.1:1"],
      2,
      /UPSTASH_REDIS_REST_TOKEN/,
    ],
    ["a URL in the place of a command", [`redis://u:${secret}@h`], 2, /unknown command/],
    ["a file that is not there", ["push", list, "--file", "/nowhere"], 2, /ENOENT/],
    ["a folder in the place of a file", ["push", list, "--file", "/"], 2, /folder/],
    ["a file and arguments", ["push", list, "m", "--file", "/dev/null"], 2, /both/],
    ["nothing to push", ["push", list, "--file", "/dev/null"], 2, /at least one message/],
    ["what is no JSON", ["push", list, "--check-json", "{"], 2, /message 1/],
    ["what is no JSON for its byte order mark", ["push", list, "--check-json", "\ufeff{}"], 2, /message 1/],
    ["a purge where nobody can be asked", ["dead", "purge", list], 2, /--yes/],
    ["a redrive where nobody can be asked", ["dead", "redrive", list], 2, /--yes/],
    ["two orders", ["dead", "redrive", list, "--by-key", "a", "--strict-order"], 2, /--by-key/],
    ["a key of another type", ["stats", "{emails}:dead"], 0, /emails/],
    ["control characters in a name", ["pause", "\u001b]0;x\u0007", "\u001b"], 2, /too many/],
  ];

  it.each(rows)("says so: %s", async (_, args, code, wanted) => {
    await door.redis.lpush("{emails}:dead", died("m", 1));
    const wrong = server().url.replace("redis://", `redis://u:${secret}@`);
    const ended = await run(
      args.map((arg) => (arg === "WRONG" ? wrong : arg)),
      overTcp(),
    );
    const said = ended.stdout + ended.stderr;
    expect(said).toMatch(wanted);
    expect(said).not.toContain(secret);
    expect(said.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    expect(ended.code).toBe(code);
  });

  it("as JSON, where that is wanted", async () => {
    const ended = await run(["stats", list, "--url", "redis://127.0.0.1:1", "--json"]);
    expect(ended.stdout).toBe("");
    expect(JSON.parse(ended.stderr)).toMatchObject({ error: { code: "redis-transport" } });
    expect(JSON.parse((await run(["psh", "--json"])).stderr)).toMatchObject({ error: { code: "usage" } });
  });
});
