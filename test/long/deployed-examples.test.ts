import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { copyExample, type ExampleProject } from "../support/example.ts";
import { startLambda } from "../support/lambda/emulator.ts";
import { Program } from "../support/program.ts";
import { QstashServer } from "../support/qstash-server.ts";
import { Receiver } from "../support/receiver.ts";
import { testToken } from "../support/redis.ts";
import { useRestServer } from "../support/redis-under-test.ts";
import { bundleForWorkerd, startWorkerd } from "../support/workerd.ts";

/* The examples that a platform runs, each copied whole into a project of its own: built as it would be, and run. */
const served = useRestServer();
const { door } = served;

describe("the example of emails on Lambda", () => {
  let project: ExampleProject;
  let assembly: string;
  beforeAll(async () => {
    project = await copyExample("lambda-emails");
    // `npm install` writes it, and the CDK's bundler looks for it.
    await writeFile(join(project.folder, "package-lock.json"), "{}");
    assembly = join(project.folder, "cdk.out");
    await promisify(execFile)(process.execPath, ["app.ts"], {
      cwd: project.folder,
      env: { ...process.env, CDK_OUTDIR: assembly },
    });
  });
  afterAll(() => project.remove());

  it("deploys a function that sends each mail once, holds on when the API wants a pause, and makes dead letters of the rest", async () => {
    const template = JSON.parse(await readFile(join(assembly, "Emails.template.json"), "utf8"));
    const resources: { Type: string; Properties: Record<string, unknown> }[] = Object.values(
      template.Resources,
    );
    const made = resources.find(({ Type }) => Type === "AWS::Lambda::Function")?.Properties as {
      Environment: { Variables: Record<string, string> };
    };
    expect(resources.filter(({ Type }) => Type === "AWS::CloudWatch::Alarm").length).toBeGreaterThan(5);
    expect(JSON.stringify(template)).not.toContain(testToken);
    const asset = (await readdir(assembly)).find((name) => name.startsWith("asset.")) ?? "";
    const wantsPause = '"to":"late@example.com"';
    const receiver = new Receiver({
      statusOf: (body) => (body.includes("refused") ? 422 : body.includes(wantsPause) ? 429 : 200),
    });
    const mailUrl = await receiver.start();
    const lambda = await startLambda({
      parameters: {
        "/emails/redis-url": served.server().url,
        "/emails/redis-token": testToken,
        "/emails/mail-key": "a-mail-key",
      },
    });
    const mail = (to: string) => JSON.stringify({ to, subject: "Hello", text: "…" });
    await door.redis.lpush("emails", mail("ann@example.com"), "no mail", mail("refused@example.com"));
    await door.redis.lpush("emails", mail("bob@example.com"));
    try {
      lambda.create({
        name: "drain",
        file: join(assembly, asset, "index.mjs"),
        timeoutMs: 20_000,
        environment: { ...made.Environment.Variables, MAIL_URL: mailUrl },
      });
      await lambda.invoke("drain", { spillway: "tick" }, { type: "Event" });
      await lambda.idle();
      expect(lambda.invocations[0]?.result).toMatchObject({ acked: 2, deadLettered: 2, stopped: "empty" });
      const sent = receiver.answered.map(({ payload }) => JSON.parse(payload).to);
      expect(sent.sort()).toEqual(["ann@example.com", "bob@example.com", "refused@example.com"]);

      await door.redis.lpush("emails", mail("late@example.com"));
      await lambda.invoke("drain", { spillway: "tick" }, { type: "Event" });
      await lambda.idle();
      expect(lambda.invocations.at(-1)?.result).toMatchObject({ acked: 0, deadLettered: 0 });
      expect(await door.redis.llen("emails")).toBe(1);
      expect(await door.redis.llen("{emails}:dead")).toBe(2);
    } finally {
      await lambda.stop();
      await receiver.close();
    }
  });
});

describe("the example of webhooks on Workers", () => {
  it("makes a delivery of an event for each subscriber, all tried by themselves", async () => {
    const project = await copyExample("workers-webhooks");
    const script = await bundleForWorkerd({ entryPoints: [join(project.folder, "worker.ts")] });
    const receiver = new Receiver({ statusOf: (body) => (body.includes("gone") ? 410 : 204) });
    const to = await receiver.start();
    const worker = await startWorkerd({
      redisUrl: served.server().url,
      list: "spillway",
      script,
      bindings: { SUBSCRIBERS: JSON.stringify({ "order.paid": [`${to}a`, `${to}b`], gone: [to] }) },
    });
    try {
      const event = (id: string, type: string) => JSON.stringify({ id, type, data: {} });
      await door.redis.lpush(
        "{hooks}:events",
        event("1", "order.paid"),
        event("2", "unknown"),
        event("3", "gone"),
      );
      await door.redis.lpush("{hooks}:events", "no event");

      const answer = await worker.request("/drain");

      expect(await answer.json()).toMatchObject({ stopped: "empty", acked: 5, deadLettered: 2 });
      expect(receiver.answered.map(({ payload }) => JSON.parse(payload).id).sort()).toEqual(["1", "1", "3"]);
      expect(new Set(receiver.answered.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(3);
      const left = Object.keys(await door.everything()).filter((key) => !key.endsWith(":brake"));
      expect(left).toEqual(["{hooks}:deliveries:dead", "{hooks}:events:dead"]);
    } finally {
      await worker.stop();
      await receiver.close();
      await project.remove();
    }
  });
});

describe("the example of a Next.js route", () => {
  it("is right by the tsconfig that it brings", async () => {
    const project = await copyExample("vercel-next");
    const compiler = new URL("../../node_modules/typescript/bin/tsc", import.meta.url).pathname;
    const program = new Program(process.execPath, [compiler, "-p", "."], {
      folder: project.folder,
      environment: {},
    });
    expect([await program.ended, program.output]).toEqual([{ code: 0, signal: null }, ""]);
    await project.remove();
  });
});

describe.each(["vercel-next", "vercel-hono"])("the example %s", (name) => {
  type Route = (request: Request) => Promise<Response>;
  const secrets = { CRON_SECRET: "a-cron-secret", DRAIN_TOKEN: "a-drain-token" };
  let project: ExampleProject;
  let routes: { GET: Route; POST: Route };
  let service: QstashServer;
  beforeAll(async () => {
    project = await copyExample(name);
    service = new QstashServer({ token: "a-qstash-token", signingKey: "sig_current" });
    const environment = {
      ...secrets,
      UPSTASH_REDIS_REST_URL: served.server().url,
      UPSTASH_REDIS_REST_TOKEN: testToken,
      VERCEL_PROJECT_PRODUCTION_URL: "orders.example.com",
      QSTASH_URL: await service.start(),
      QSTASH_TOKEN: "a-qstash-token",
      QSTASH_CURRENT_SIGNING_KEY: "sig_current",
      QSTASH_NEXT_SIGNING_KEY: "sig_next",
    };
    // `next build` imports the route without any of them.
    const file = name === "vercel-next" ? "app/api/[...path]/route.ts" : "api/index.ts";
    const load = async () => {
      routes = await import(pathToFileURL(join(project.folder, file)).href);
    };
    if (name === "vercel-next") await load();
    for (const [variable, value] of Object.entries(environment)) vi.stubEnv(variable, value);
    if (name !== "vercel-next") await load();
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await service.close();
    await project.remove();
  });
  let logged: string[];
  beforeEach(() => {
    logged = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void logged.push(line));
    return () => vi.restoreAllMocks();
  });

  const call = (method: "GET" | "POST", path: string, token?: string, body?: string) =>
    routes[method](
      new Request(`https://orders.example.com/api/${path}`, {
        method,
        headers: token ? { authorization: `Bearer ${token}` } : {},
        ...(body ? { body } : {}),
      }),
    );

  it("drains when the schedule calls with its secret, and when one calls with the token", async () => {
    await door.redis.lpush("orders", '{"id":1}');
    expect((await call("GET", "drain", secrets.CRON_SECRET)).status).toBe(200);
    await door.redis.lpush("orders", '{"id":2}');
    expect((await call("POST", "drain", secrets.DRAIN_TOKEN)).status).toBe(200);
    const confirmed = logged.filter((line) => line.startsWith("Confirmed"));
    expect(confirmed.map((line) => /order (\d)/.exec(line)?.[1])).toEqual(["1", "2"]);
    expect(await door.everything()).toEqual({});
  });

  it.each([
    ["GET", "drain", undefined, 401],
    ["GET", "drain", "a-drain-token", 401],
    ["POST", "drain", undefined, 401],
    ["GET", "stats", undefined, 401],
    ["GET", "stats", "a-drain-token", 200],
    ["GET", "health", undefined, 200],
    ["GET", "nothing", "a-drain-token", 404],
  ] as const)("answers %s /api/%s with the token %s by %i", async (method, path, token, status) => {
    await door.redis.lpush("orders", '{"id":1}');
    expect((await call(method, path, token)).status).toBe(status);
    expect(await door.redis.llen("orders")).toBe(1);
  });

  if (name === "vercel-hono") {
    it("takes orders beside it, and refuses what is none", async () => {
      expect((await call("POST", "orders", undefined, '{"id": 7}')).status).toBe(202);
      for (const body of ["", "no json", "null", '{"id": "7"}']) {
        expect((await call("POST", "orders", undefined, body)).status).toBe(400);
      }
      expect(await door.redis.lrange("orders", 0, -1)).toEqual(['{"id":7}']);
    });
  }
});
