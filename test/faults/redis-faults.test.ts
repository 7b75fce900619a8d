import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { upstash } from "../../adapters/redis/upstash.ts";
import {
  createDrain,
  type DrainOptions,
  type DrainReport,
  type Message,
  RedisReplyError,
  RedisTooLargeError,
  RedisTransportError,
} from "../../src/index.ts";
import { hastyClock } from "../support/hasty-clock.ts";
import { type Decision, type HttpProxy, type ProxiedRequest, startHttpProxy } from "../support/http-proxy.ts";
import { testToken } from "../support/redis.ts";
import { useRestServer } from "../support/redis-under-test.ts";
import { measureTimeScale } from "../support/time-scale.ts";

const scaled = measureTimeScale();

const page = (status: string): string =>
  `<html><head><title>${status}</title></head><body><center><h1>${status}</h1></center><hr>nginx</body></html>`;

const refusal = (error: string): Decision => ({ status: 400, body: JSON.stringify({ error }) });

/** What a server says that is not ready for any command. */
const notReady: [name: string, text: string][] = [
  ["LOADING", "LOADING Redis is loading the dataset in memory"],
  ["READONLY", "READONLY You can't write against a read only replica."],
  ["NOREPLICAS", "NOREPLICAS Not enough good replicas to write."],
  ["MISCONF", "MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk."],
  ["BUSY", "BUSY Redis is busy running a script. You can only call SCRIPT KILL."],
];

describe("a Redis over REST that", () => {
  const redis = useRestServer();
  const { door } = redis;
  let proxy: HttpProxy;
  let decide: (request: ProxiedRequest) => Decision | Promise<Decision> = () => "pass";
  let seen: string[] = [];

  beforeEach(async () => {
    seen = [];
    decide = () => "pass";
    proxy = await startHttpProxy({ target: redis.server().url, decide: (request) => decide(request) });
  });

  afterEach(async () => {
    await proxy.close();
  });

  const payloads = (count: number, bytes = 1): string[] =>
    Array.from({ length: count }, (_, at) => `${at}:${"x".repeat(bytes)}`);

  const run = ({
    requestTimeoutMs = scaled(5_000),
    ...options
  }: Partial<DrainOptions> = {}): Promise<DrainReport> =>
    createDrain({
      redis: upstash({ url: proxy.url, token: testToken }),
      list: "mail",
      batchSize: 10,
      concurrency: 1,
      requestTimeoutMs,
      // Waits before a request is sent again pass at once; time limits are not reached.
      clock: hastyClock(() => performance.now(), 5_000),
      handler: (message: Message) => void seen.push(message.payload),
      ...options,
    } as DrainOptions).run();

  /** After the fault, a drain handles all that is left, and leaves nothing behind. */
  const expectNothingLost = async (all: readonly string[]): Promise<void> => {
    decide = () => "pass";
    await door.expireLeases("mail");
    expect(await run()).toMatchObject({ stopped: "empty", error: null });
    expect(seen.toSorted()).toEqual(all.toSorted());
    expect(await door.everything()).toEqual({});
  };

  describe("fails for a moment, before the first claim and again before a settle, with", () => {
    const passing: [string, Decision][] = [
      ["a reset connection", "drop-request"],
      ["a reply lost after the command has run", "drop-reply"],
      ["429 Too Many Requests", { status: 429, body: JSON.stringify({ error: "Too many requests" }) }],
      ["500 and JSON", { status: 500, body: JSON.stringify({ error: "internal error" }) }],
      ["502 and a page", { status: 502, body: page("502 Bad Gateway") }],
      ["503 and JSON without an error", { status: 503, body: JSON.stringify({ message: "try later" }) }],
      ["504 and no body", { status: 504, body: "" }],
      ["200 and no body", { status: 200, body: "" }],
      ["200 and a page", { status: 200, body: page("Maintenance") }],
      ["200 and {}", { status: 200, body: "{}" }],
      ["200 and null", { status: 200, body: "null" }],
      ["200 and a text", { status: 200, body: '"ok"' }],
      ["a reply cut in its middle", (body) => ({ status: 200, body: body.subarray(0, body.length / 2) })],
      [
        "a connection lost in the middle of a reply",
        (body) => ({ status: 200, body: body.subarray(0, body.length / 2), claimedLength: body.length }),
      ],
      ...notReady.map(([name, text]): [string, Decision] => [name, refusal(text)]),
      [
        "MASTERDOWN",
        refusal("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
      ],
      ["CLUSTERDOWN", refusal("CLUSTERDOWN The cluster is down")],
      ["TRYAGAIN", refusal("TRYAGAIN Multiple keys request during rehashing of slot")],
    ];

    it.each(passing)("%s: each message runs once, and the run goes on", async (_name, fault) => {
      const all = payloads(35);
      await door.redis.lpush("mail", ...all);
      const faulty = new Set([0, 1, 5]);
      decide = ({ index }) => (faulty.has(index) ? fault : "pass");

      const report = await run();

      expect(proxy.requests.length).toBeGreaterThan(6);
      expect(report).toMatchObject({ acked: 35, lostLease: 0, stopped: "empty", error: null });
      expect(seen).toEqual(all);
      expect(await door.everything()).toEqual({});
    });
  });

  describe("refuses all commands for a moment, during the claims and settles of the plain engine, with", () => {
    /** As a pipeline is answered where the server takes it, and refuses each of its commands. */
    const each = (text: string, { body }: ProxiedRequest): Decision => {
      const commands = JSON.parse(body.toString()) as unknown[];
      if (!Array.isArray(commands[0])) return refusal(text);
      const answers = commands.map(() => ({ error: text }));
      return { status: 200, body: JSON.stringify(answers) };
    };

    it.each(notReady)("%s: each message runs once, and the run goes on", async (_name, text) => {
      for (const refused of [refusal, each]) {
        seen = [];
        const all = payloads(35);
        await door.redis.lpush("mail", ...all);
        const before = proxy.requests.length;
        const faulty = new Set([3, 4, 6, 8, 9].map((at) => before + at));
        decide = (request) => (faulty.has(request.index) ? refused(text, request) : "pass");
        const options: Partial<DrainOptions> = {
          engine: "plain",
          retryDelay: () => 0,
          handler: ({ payload }: Message) => {
            seen.push(payload);
            if (payload === all[7] && seen.filter((one) => one === payload).length === 1)
              throw new Error("once");
          },
        };
        const settled = { unsettled: 0, stopped: "empty", error: null };
        expect(await run(options)).toMatchObject({ acked: 34, retried: 1, ...settled });
        expect(proxy.requests.length - before).toBeGreaterThan(9);
        // What failed is promoted by the next run.
        expect(await run(options)).toMatchObject({ acked: 1, ...settled });
        expect(seen.toSorted()).toEqual([...all, all[7]].toSorted());
        expect(await door.everything()).toEqual({});
      }
    });
  });

  it("forgets its scripts, before and during a run (NOSCRIPT), is told them again", async () => {
    const all = payloads(35);
    await door.redis.lpush("mail", ...all);
    decide = async ({ index }): Promise<Decision> => {
      if (index % 2 === 0) await door.redis.script("FLUSH");
      return "pass";
    };

    const report = await run();

    expect(report).toMatchObject({ acked: 35, lostLease: 0, stopped: "empty", error: null });
    expect(seen).toEqual(all);
    const sentWhole = proxy.requests.filter(({ body }) => body.subarray(0, 7).equals(Buffer.from('["EVAL"')));
    expect(sentWhole.length).toBeGreaterThan(1);
  });

  describe("fails for good after the first claim, with", () => {
    interface Lasting {
      readonly fault: Decision;
      readonly error: object;
    }
    const transport = (isRetryable: boolean): object => ({ code: "redis-transport", isRetryable });
    const lasting: [string, Lasting][] = [
      ["reset connections", { fault: "drop-request", error: transport(true) }],
      ["no reply at all, bounded by requestTimeoutMs", { fault: "hang", error: transport(true) }],
      [
        "401",
        {
          fault: { status: 401, body: JSON.stringify({ error: "WRONGPASS invalid or missing auth token" }) },
          error: transport(false),
        },
      ],
      ["500", { fault: { status: 500, body: "" }, error: transport(true) }],
      [
        "OOM",
        {
          fault: refusal("OOM command not allowed when used memory > 'maxmemory'."),
          error: { code: "redis-reply", prefix: "OOM" },
        },
      ],
      [
        "READONLY",
        {
          fault: refusal("READONLY You can't write against a read only replica."),
          error: { code: "redis-reply", prefix: "READONLY" },
        },
      ],
      [
        "another protocol",
        {
          fault: { status: 200, body: JSON.stringify({ ok: true }) },
          error: { code: "redis-transport", message: expect.stringContaining("no reply of Redis") },
        },
      ],
    ];

    it.each(lasting)(
      "%s: the run stops with its error and loses nothing",
      async (_name, { fault, error }) => {
        const all = payloads(35);
        await door.redis.lpush("mail", ...all);
        decide = ({ index }) => (index < 2 ? "pass" : fault);

        const report = await run({ requestTimeoutMs: scaled(300) });

        expect(report.stopped).toBe("error");
        expect(report.error).toMatchObject(error);
        expect(JSON.stringify(report.error?.message)).not.toContain("0:x");
        const handled = seen.length;
        expect(handled).toBeGreaterThan(0);
        decide = () => "pass";
        await door.expireLeases("mail");
        expect(await run()).toMatchObject({ stopped: "empty", error: null });
        // Handled before the fault and not settled: those alone may run again.
        expect(new Set(seen)).toEqual(new Set(all));
        expect(seen.length).toBeLessThanOrEqual(all.length + handled);
        expect(await door.everything()).toEqual({});
      },
    );

    it("a refused connection: the run stops with its error and loses nothing", async () => {
      const all = payloads(5);
      await door.redis.lpush("mail", ...all);
      await proxy.close();

      const report = await run();

      expect(report).toMatchObject({ claimed: 0, stopped: "error" });
      expect(report.error).toBeInstanceOf(RedisTransportError);
      expect(report.error?.message).toContain("ECONNREFUSED");
      proxy = await startHttpProxy({ target: redis.server().url, decide: () => "pass" });
      await expectNothingLost(all);
    });

    it("WRONGTYPE, because the list is none: the run says so, and touches it not", async () => {
      await door.redis.set("mail", "not a list");

      const report = await run();

      expect(report).toMatchObject({ claimed: 0, stopped: "error" });
      expect(report.error).toBeInstanceOf(RedisReplyError);
      expect((report.error as RedisReplyError).prefix).toBe("WRONGTYPE");
      expect(await door.redis.get("mail")).toBe("not a list");
    });
  });

  describe("limits the size of", () => {
    const sizeMax = 12_000;
    const refusals: [string, { status: number; body: string }][] = [
      [
        "400 ERR max request size exceeded",
        { status: 400, body: '{"error":"ERR max request size exceeded"}' },
      ],
      ["413 and JSON", { status: 413, body: '{"error":"payload too large"}' }],
      ["413 and a page", { status: 413, body: page("413 Request Entity Too Large") }],
    ];

    it.each(refusals)(
      "replies (%s): batches are halved until they fit; each message runs once, in order",
      async (_name, answer) => {
        const all = payloads(40, 2_000);
        await door.redis.lpush("mail", ...all);
        decide = () => (body) => (body.length > sizeMax ? answer : "pass");

        const report = await run();

        expect(report).toMatchObject({ acked: 40, stopped: "empty", error: null });
        expect(seen).toEqual(all);
        expect(await door.everything()).toEqual({});
      },
    );

    it.each(refusals)(
      "requests (%s): a message too large for any says so, and stays in its list",
      async (_name, answer) => {
        const all = ["small", "x".repeat(sizeMax)];
        await door.redis.lpush("mail", ...all);
        decide = () => (body) => (body.length > sizeMax ? answer : "pass");

        const report = await run();

        expect(report).toMatchObject({ acked: 1, stopped: "error" });
        expect(report.error).toBeInstanceOf(RedisTooLargeError);
        expect(seen).toEqual(["small"]);
        expect(await door.redis.lrange("mail", 0, -1)).toEqual([all[1]]);
        seen = [];
        await expectNothingLost([all[1] as string]);
      },
    );
  });
});
