import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { moduleOf } from "../docs/program.ts";
import { pageText, samplesOf } from "../docs/samples.ts";
import { Program } from "../support/program.ts";
import { testToken } from "../support/redis.ts";
import { useRestServer } from "../support/redis-under-test.ts";

/*
 * The samples of docs/coming-from, taken from the pages, on what the old producers really push: the envelopes and keys are
 * those of the sources that the pages name. That each sample compiles is doc-samples.test.ts's.
 */
const folder = new URL("../docs/.samples-coming-from/", import.meta.url).pathname;

/** kombu's envelope, as Celery 5 puts it into Redis. */
function celery(args: unknown[], headers: Record<string, unknown> = {}): string {
  const id = "b1a5f8a2-3a10-4d8d-9a0c-0d6a25a3e3b1";
  return JSON.stringify({
    body: Buffer.from(
      JSON.stringify([args, { name: "Ann" }, { callbacks: null, errbacks: null, chain: null, chord: null }]),
    ).toString("base64"),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    headers: {
      ...{ lang: "py", task: "mail.tasks.welcome", id, root_id: id, parent_id: null, group: null },
      ...{ shadow: null, eta: null, expires: null, retries: 0, timelimit: [null, null] },
      ...{ argsrepr: "('ann@example.com',)", kwargsrepr: "{'name': 'Ann'}", origin: "gen1@host" },
      ...headers,
    },
    properties: {
      ...{ correlation_id: id, reply_to: "2c1e", delivery_mode: 2, priority: 0, body_encoding: "base64" },
      ...{ delivery_info: { exchange: "", routing_key: "celery" }, delivery_tag: "7a1c" },
    },
  });
}

/** What `Queue::push('welcome-mail', [...])` makes. */
const laravel = (job: string, data: unknown): string =>
  JSON.stringify({
    ...{ uuid: "0c2f", displayName: job, job, maxTries: null, maxExceptions: null, failOnTimeout: false },
    ...{ backoff: null, timeout: null, data, id: "Xy12", attempts: 0 },
  });

const sidekiq = (name: string, args: unknown[], at: number): string =>
  JSON.stringify({
    retry: true,
    queue: "default",
    class: name,
    args,
    jid: "a1b2",
    created_at: at,
    enqueued_at: at,
  });

interface Case {
  readonly page: string;
  /** The list that the sample drains. */
  readonly list: string;
  produce(redis: Redis): Promise<unknown>;
  readonly printed: string;
  /** Keys that are left. */
  readonly left: readonly string[];
}

const cases: readonly Case[] = [
  {
    page: "sidekiq",
    list: "queue:default",
    produce: (redis) =>
      redis.lpush(
        "queue:default",
        sidekiq("WelcomeMail", ["ann@example.com", "Ann"], 1764262800.25),
        sidekiq("WelcomeMail", ["bob@example.com", "Bob"], 1764262800250),
        sidekiq("Unknown", [], 1764262800250),
      ),
    printed: "mail to ann@example.com (Ann)\nmail to bob@example.com (Bob)\n2\n",
    left: ["{queue:default}:dead"],
  },
  {
    page: "celery-and-rq",
    list: "celery",
    produce: (redis) =>
      redis.lpush(
        "celery",
        celery(["ann@example.com"]),
        celery(["too@late.example"], { expires: "2020-01-01T00:00:00+00:00" }),
        celery(["later@example.com"], { eta: "2100-01-01T00:00:00+00:00" }),
      ),
    printed: "mail to ann@example.com (Ann)\n2\n",
    left: ["{celery}:delayed"],
  },
  {
    page: "celery-and-rq",
    list: "rq:queue:default",
    produce: async (redis) => {
      for (const name of ["ann", "bob"]) {
        const data = JSON.stringify(["mail.welcome", null, [`${name}@example.com`], { name }]);
        await redis.hset(`rq:job:${name}`, "data", deflateSync(data), "origin", "default");
        await redis.rpush("rq:queue:default", name);
      }
      await redis.rpush("rq:queue:default", "gone");
    },
    printed: "mail to ann@example.com (ann)\nmail to bob@example.com (bob)\n2\n",
    left: ["{rq:queue:default}:dead"],
  },
  {
    page: "laravel-and-resque",
    list: "queues:default",
    produce: async (redis) => {
      await redis.rpush("queues:default", laravel("welcome-mail", { to: "ann@example.com", name: "Ann" }));
      await redis.rpush("queues:default", laravel("welcome-mail", { to: "bob@example.com", name: "Bob" }));
      await redis.rpush("queues:default:notify", "1", "1");
    },
    printed: "mail to ann@example.com (Ann)\nmail to bob@example.com (Bob)\n2\n",
    left: [],
  },
  {
    page: "laravel-and-resque",
    list: "resque:queue:mail",
    produce: (redis) =>
      redis.rpush(
        "resque:queue:mail",
        '{"class":"WelcomeMail","args":["ann@example.com","Ann"]}',
        '{"class":"WelcomeMail","args":["bob@example.com","Bob"]}',
      ),
    printed: "mail to ann@example.com (Ann)\nmail to bob@example.com (Bob)\n2\n",
    left: [],
  },
];

describe("a sample of the pages on coming from elsewhere, on real payloads", () => {
  const served = useRestServer();
  const { door } = served;

  beforeAll(() => mkdir(folder, { recursive: true }));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(cases.map((one) => [one.page, one.list, one] as const))(
    "%s drains %s, the oldest first",
    async (page, list, { produce, printed, left }) => {
      const sample = samplesOf(`docs/coming-from/${page}.md`)
        .filter(({ language, code }) => language === "ts" && code.includes(`"${list}"`))
        .at(-1);
      const file = join(folder, `${list.replace(/\W/g, "-")}.ts`);
      await writeFile(file, sample ? moduleOf(sample) : "");
      await produce(door.redis);

      const environment = {
        UPSTASH_REDIS_REST_URL: served.server().url,
        UPSTASH_REDIS_REST_TOKEN: testToken,
      };
      const program = new Program(process.execPath, [file], { folder, environment });

      expect(await program.ended).toEqual({ code: 0, signal: null });
      expect(program.output).toBe(printed);
      expect(Object.keys(await door.everything()).filter((key) => !key.endsWith(":brake"))).toEqual(left);
    },
  );

  it("sqs pushes each record once, equal bodies and what is delivered twice included", async () => {
    const sample = samplesOf("docs/coming-from/sqs.md").find(({ code }) => code.includes("SqsEvent"));
    const records = ["a", "b", "a"].map((body, at) => ({ messageId: `id${at}`, body }));
    const calls = `await handler({ Records: ${JSON.stringify(records)} });\n`;
    const file = join(folder, "sqs.ts");
    await writeFile(file, `${sample ? moduleOf(sample) : ""}${calls}${calls}`);
    const environment = {
      UPSTASH_REDIS_REST_URL: served.server().url,
      UPSTASH_REDIS_REST_TOKEN: testToken,
    };
    const program = new Program(process.execPath, [file], { folder, environment });
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(await door.waiting("emails")).toEqual(["a", "b", "a"]);
  });

  it("laravel-and-resque brings home what workers held, the oldest first, then what waited, then the delayed", async () => {
    const line = /redis-cli EVAL "(.+)" 4 (.+)$/m.exec(pageText("docs/coming-from/laravel-and-resque.md"));
    const [, script = "", names = ""] = line ?? [];
    const keys = names.split(" ");
    await door.redis.zadd("queues:mail:reserved", 10, "held1", 20, "held2");
    await door.redis.zadd("queues:mail:delayed", 30, "later1", 40, "later2");
    await door.redis.rpush("queues:mail", "a", "b");
    await door.redis.rpush("queues:mail:notify", "1", "1");

    expect(await door.redis.eval(script, 4, ...keys)).toBe(4);

    expect(await door.everything()).toEqual({
      "queues:mail": ["held1", "held2", "a", "b", "later1", "later2"],
    });
  });
});
