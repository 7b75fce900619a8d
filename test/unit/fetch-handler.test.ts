import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  memoryNonces,
  type NonceStore,
  signedReceiver,
  signRequest,
} from "../../adapters/continue/signed/index.ts";
import {
  type FetchContext,
  type FetchHandlerOptions,
  fetchHandler,
  vercelContext,
} from "../../adapters/hosts/fetch/index.ts";
import { type Drain, type DrainReport, OptionError, writeHop } from "../../src/index.ts";
import { lyingError } from "../support/hostile-values.ts";
import { recordedDrain } from "../support/recorded-drain.ts";

const key = "the-key-of-this-deployment-0123456789";
const report = { claimed: 3, stopped: "empty", error: null } as DrainReport;

const hopText = (list: string): string => JSON.stringify(writeHop({ list, chain: { id: "c", hop: 4 } }));

function host(options: FetchHandlerOptions = {}, drain: Partial<Drain> = {}) {
  lineLog();
  const { drain: fake, runs } = recordedDrain(report, drain);
  const handle = fetchHandler(fake, {
    token: "a-token",
    cronSecret: "a-cron-secret",
    receiveHop: signedReceiver({ keys: [key], nonces: memoryNonces() }),
    ...options,
  });
  const send = async (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
    context?: FetchContext,
  ) => {
    const init = { method, headers, ...(body === undefined ? {} : { body }) };
    const response = await handle(new Request(`https://drain.example${path}`, init), context);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const hop = async (path = "/drain", body = hopText("mail")) => ({
    headers: await signRequest({ method: "POST", url: path, body }, { key }),
    body,
  });
  return { runs, send, hop };
}

/** What is logged until the test has ended. */
function errorLog(): unknown[][] {
  const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
  onTestFinished(() => logged.mockRestore());
  return logged.mock.calls;
}
function lineLog(): unknown[][] {
  const logged = vi.spyOn(console, "log").mockImplementation(() => undefined);
  onTestFinished(() => logged.mockRestore());
  return logged.mock.calls;
}

const cron = { authorization: "Bearer a-cron-secret" };

describe("a drain as a function from Request to Response", () => {
  it("has the routes of the HTTP app, with their token", async () => {
    const { send, runs } = host();
    expect(await send("GET", "/health")).toMatchObject({ status: 200, body: { status: "ok" } });
    const token = { authorization: "Bearer a-token", "content-type": "application/json" };
    expect(await send("GET", "/stats", token)).toMatchObject({ status: 200, body: { list: "mail" } });
    expect(await send("POST", "/drain", token, '{"budgetMs":9}')).toMatchObject({
      status: 200,
      body: report,
    });
    expect(runs).toEqual([{ budgetMs: 9 }]);
    expect((await send("POST", "/drain")).status).toBe(401);
    expect((await send("GET", "/drain", token)).status).toBe(405);
    expect((await send("GET", "/nothing")).status).toBe(404);
    expect(runs).toHaveLength(1);
  });

  it("runs for a schedule that knows the secret, with the whole budget and a chain of its own", async () => {
    const { send, runs } = host({ budgetMs: 290_000 });
    const answer = await send("GET", "/cron", cron);
    expect(answer).toMatchObject({ status: 200, body: report });
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(runs).toEqual([{ budgetMs: 290_000, chain: { id: expect.stringMatching(/^[\w-]+$/), hop: 0 } }]);
  });

  it.each([
    ["no secret", {}],
    ["another", { authorization: "Bearer a-cron-secres" }],
    ["the token", { authorization: "Bearer a-token" }],
    ["undefined", { authorization: "Bearer undefined" }],
  ])("refuses a schedule with %s, and runs nothing", async (_title, headers) => {
    const { send, runs } = host();
    expect((await send("GET", "/cron", headers as Record<string, string>)).status).toBe(401);
    expect(runs).toEqual([]);
  });

  it("counts wrong secrets of a schedule with the wrong tokens of callers", async () => {
    const { send, runs } = host();
    const wrong = { authorization: "Bearer wrong" };
    for (let time = 0; time < 15; time++) {
      const answer = await send("GET", "/cron", wrong);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect((await send("POST", "/drain", wrong)).status).toBe(401);
    }
    expect((await send("GET", "/cron", wrong)).status).toBe(429);
    expect((await send("POST", "/drain", wrong)).status).toBe(429);
    expect(runs).toEqual([]);
    expect((await send("GET", "/cron", cron)).status).toBe(200);
  });

  it("is closed for schedules, calls and hops where no secret, token or key is configured", async () => {
    const { send, runs, hop } = host({
      token: undefined,
      cronSecret: undefined,
      receiveHop: undefined as never,
    });
    const { headers, body } = await hop();
    expect((await send("GET", "/cron", { authorization: "Bearer undefined" })).status).toBe(403);
    expect((await send("POST", "/drain", { authorization: "Bearer undefined" })).status).toBe(403);
    expect((await send("POST", "/drain", headers, body)).status).toBe(403);
    expect(runs).toEqual([]);
  });

  it("answers a signed hop at once where the platform waits for what is left running", async () => {
    const waited: Promise<unknown>[] = [];
    const told: unknown[] = [];
    const { send, hop, runs } = host({ onReport: (...given) => told.push(given) });
    const { headers, body } = await hop();
    const answer = await send("POST", "/drain", headers, body, { waitUntil: (one) => waited.push(one) });
    expect(answer).toMatchObject({ status: 202, body: { status: "started" } });
    await Promise.all(waited);
    expect(waited).toHaveLength(1);
    expect(runs).toEqual([{ budgetMs: 25_000, chain: { id: "c", hop: 4 } }]);
    expect(told).toEqual([[report, { id: "c", hop: 4 }]]);
  });

  it("answers a signed hop with its report where nothing waits", async () => {
    const { send, hop } = host();
    const { headers, body } = await hop();
    expect(await send("POST", "/drain", headers, body)).toMatchObject({ status: 200, body: report });
    expect(await send("POST", "/drain", headers, body)).toMatchObject({ status: 401 });
  });

  it("begins a chain of its own for a hop of another list", async () => {
    const { send, hop, runs } = host();
    const { headers, body } = await hop("/drain", hopText("other"));
    await send("POST", "/drain", headers, body);
    expect(runs).toMatchObject([{ chain: { hop: 0 } }]);
  });

  it("answers 401 to an unsigned hop also where there is no token, and where hops have a path of their own", async () => {
    const unsigned = (await host().hop()).body;
    for (const [options, path] of [
      [{ token: undefined }, "/drain"],
      [{ token: undefined, hopPath: "/hops" }, "/hops"],
      [{ hopPath: "/hops" }, "/hops"],
    ] as const) {
      const { send, runs } = host(options as FetchHandlerOptions);
      expect((await send("POST", path, {}, unsigned)).status).toBe(401);
      expect((await send("POST", path, { authorization: "Bearer a-token" }, unsigned)).status).toBe(401);
      expect(runs).toEqual([]);
    }
  });

  it("answers as ever where onReport throws: the drain has run, and whoever called must not call again", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    onTestFinished(() => logged.mockRestore());
    const { send, hop, runs } = host({
      onReport: () => {
        throw new Error("the metrics are away");
      },
    });
    const { headers, body } = await hop();
    expect(await send("POST", "/drain", headers, body)).toMatchObject({ status: 200, body: report });
    expect(await send("GET", "/cron", cron)).toMatchObject({ status: 200, body: report });
    expect([runs.length, logged.mock.calls.length]).toEqual([2, 2]);
  });

  it("refuses a signed body that is no hop, and runs nothing", async () => {
    const { send, hop, runs } = host();
    const { headers, body } = await hop("/drain", '{"list":"mail"}');
    expect((await send("POST", "/drain", headers, body)).status).toBe(400);
    expect(runs).toEqual([]);
  });

  it("refuses a bad signature even beside a good token", async () => {
    const { send, runs } = host();
    const headers = { authorization: "Bearer a-token", "spillway-signature": "v1;no" };
    expect((await send("POST", "/drain", headers)).status).toBe(401);
    expect(runs).toEqual([]);
  });

  it("answers with 503, and runs nothing, where it is not known whether a nonce is new", async () => {
    const nonces: NonceStore = { consume: () => Promise.reject(new Error("secret of Redis")) };
    const { send, hop, runs } = host({ receiveHop: signedReceiver({ keys: [key], nonces }) });
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    onTestFinished(() => logged.mockRestore());
    const { headers, body } = await hop();
    const answer = await send("POST", "/drain", headers, body);
    expect(answer).toMatchObject({
      status: 503,
      body: { detail: "It cannot be told now whether this call is a hop." },
    });
    expect(runs).toEqual([]);
  });

  it("lives where it is told to", async () => {
    const { send, hop, runs } = host({ basePath: "/api", cronPath: "/api/drain" });
    const { headers, body } = await hop("/api/drain");
    expect((await send("GET", "/api/health")).status).toBe(200);
    expect((await send("GET", "/api/drain", cron)).status).toBe(200);
    expect((await send("POST", "/api/drain", headers, body)).status).toBe(200);
    const elsewhere = host({ hopPath: "/.netlify/functions/drain-background" });
    const other = await elsewhere.hop("/.netlify/functions/drain-background");
    expect(
      (await elsewhere.send("POST", "/.netlify/functions/drain-background", other.headers, other.body))
        .status,
    ).toBe(200);
    expect((await send("GET", "/health")).status).toBe(404);
    expect((await send("GET", "/cron", cron)).status).toBe(404);
    expect(runs).toHaveLength(2);
  });

  it("makes its drain at the first request, once, and tries again after a failure", async () => {
    errorLog();
    let made = 0;
    const handle = fetchHandler(async () => {
      made += 1;
      if (made === 1) throw new Error("no secrets yet");
      return { list: "mail", run: async () => report } as unknown as Drain;
    });
    const get = (): Promise<Response> => handle(new Request("https://drain.example/health"));
    expect((await get()).status).toBe(503);
    expect([(await get()).status, (await get()).status, made]).toEqual([200, 200, 2]);
  });

  it("waits for a hop's drain where the platform's waitUntil throws, since the drain has begun", async () => {
    errorLog();
    const { send, hop, runs } = host();
    const { headers, body } = await hop();
    const waitUntil = (): never => {
      throw new TypeError("Illegal invocation");
    };
    expect(await send("POST", "/drain", headers, body, { waitUntil })).toMatchObject({ status: 202 });
    expect(runs).toHaveLength(1);
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("a secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("a secret"))],
    ["rejects with no error", () => Promise.reject("a secret")],
    ["rejects with nothing", () => Promise.reject(undefined)],
    ["rejects with an error that cannot be read", () => Promise.reject(lyingError("stack", "name", "code"))],
    ["gives nothing", () => undefined],
    ["gives no drain", () => ({ list: "mail" })],
  ])("answers 503, and logs why, where the function that makes the drain %s", async (_title, make) => {
    const logged = errorLog();
    const handle = fetchHandler(make as () => Drain, { token: "a-token" });
    for (const [method, path] of [
      ["POST", "/drain"],
      ["GET", "/cron"],
    ]) {
      const request = new Request(`https://drain.example${path}`, { method } as RequestInit);
      const answer = await handle(request, { waitUntil: () => undefined });
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([503, "no-store"]);
      expect(await answer.text()).not.toContain("secret");
    }
    expect(logged.length).toBeGreaterThanOrEqual(2);
  });

  it("takes hops on the hops' own path, and on no other", async () => {
    for (const [options, own] of [
      [{}, "/drain"],
      [{ basePath: "/api" }, "/api/drain"],
      [{ hopPath: "/hops" }, "/hops"],
      [{ basePath: "/api", hopPath: "/hops", cronPath: "/api/drain" }, "/hops"],
    ] as const) {
      for (const path of [
        "/drain",
        "/api/drain",
        "/hops",
        "/cron",
        "/stats",
        "/health",
        "/drain/",
        "//drain",
      ]) {
        const { send, hop, runs } = host(options);
        const { headers, body } = await hop(path);
        const { status } = await send("POST", path, headers, body);
        expect([path, status, runs.length]).toEqual([
          path,
          path === own ? 200 : expect.any(Number),
          Number(path === own),
        ]);
      }
    }
  });

  it("answers 503 where its drain is not made in time, and makes it again for the next request", async () => {
    const logged = errorLog();
    const makers = [() => new Promise<never>(() => undefined), async () => recordedDrain(report).drain];
    const handle = fetchHandler(() => (makers.shift() as () => Promise<Drain>)(), { budgetMs: 20 });
    const get = () => handle(new Request("https://drain.example/health"));
    expect([(await get()).status, (await get()).status]).toEqual([503, 200]);
    expect(String(logged[0]?.[1])).toContain("within 20 ms");
  });

  it.each<[string, unknown]>([
    ["true", true],
    ["a number", 7],
    ["what verifyRequest says of a forged call", { ok: false, reason: "forged" }],
    ["a hop without a place", { list: "mail" }],
  ])("takes no call for a hop where its receiver resolves with %s", async (_title, said) => {
    errorLog();
    const { send, runs } = host({ receiveHop: async () => said as never });
    for (const context of [undefined, { waitUntil: () => undefined }]) {
      const { status } = await send("POST", "/drain", {}, hopText("mail"), context);
      expect(status).toBe(503);
    }
    expect(runs).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["null", null],
    ["an empty context", {}],
    ["one whose waitUntil is none", { waitUntil: true }],
    ["Node's response", "response"],
  ])("waits for a hop's drain where the platform passes %s", async (_title, context) => {
    const { send, hop } = host();
    const { headers, body } = await hop();
    expect(await send("POST", "/drain", headers, body, context as never)).toMatchObject({ status: 200 });
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("the metrics are away");
      },
    ],
    ["rejects", () => Promise.reject(new Error("the metrics are away"))],
    ["rejects with an error that cannot be read", () => Promise.reject(lyingError("stack", "name"))],
    ["never settles", () => new Promise(() => undefined)],
  ])("answers as ever where onReport %s", async (_title, onReport) => {
    errorLog();
    const { send, runs } = host({ onReport: onReport as () => void });
    expect(await send("GET", "/cron", cron)).toMatchObject({ status: 200, body: report });
    await new Promise((resolve) => setImmediate(resolve));
    expect(runs).toHaveLength(1);
  });

  it("logs each report that is worth it, its failures too, where nobody is told", async () => {
    const failed = {
      ...report,
      failures: [{ name: "Error", message: "smtp down", count: 3 }],
      error: new Error("no reply"),
    } as DrainReport;
    const token = { authorization: "Bearer a-token" };
    const asked = async (given: DrainReport, onReport?: () => void): Promise<[unknown[][], unknown[][]]> => {
      const [errors, lines] = [errorLog(), lineLog()];
      const { send } = host(onReport ? { onReport } : {}, { run: async () => given });
      await send("GET", "/cron", cron);
      await send("POST", "/drain", token);
      return [errors.splice(0), lines.splice(0)];
    };
    const idle = { ...report, claimed: 0, recovered: 0, deadLettered: 0 } as DrainReport;
    expect(await asked(idle)).toEqual([[], []]);
    expect(await asked(failed, () => undefined)).toEqual([[], []]);
    const [errors, lines] = await asked(failed);
    expect([errors.length, lines.length]).toEqual([2, 0]);
    expect(JSON.parse(String(errors[0]))).toMatchObject({
      spillway: {
        list: "mail",
        chain: { hop: 0 },
        failures: [{ message: "smtp down", count: 3 }],
        error: { message: "no reply" },
      },
    });
    expect((await asked(report))[1]).toHaveLength(2);
  });

  it.each<[string, unknown, unknown]>([
    ["no drain", {}, {}],
    ["an empty token", null, { token: "" }],
    ["an empty cron secret", null, { cronSecret: "" }],
    ["no receiver", null, { receiveHop: { currentSigningKey: "a", nextSigningKey: "b" } }],
    ["no path", null, { basePath: "api" }],
    ["a path with a parameter", null, { cronPath: "/:any" }],
    ["no budget", null, { budgetMs: 0 }],
  ])("is not made with %s", (_title, drain, options) => {
    const given = (drain ?? { run: async () => report }) as Drain;
    expect(() => fetchHandler(given, options as FetchHandlerOptions)).toThrow(OptionError);
  });
});

describe("Vercel's context", () => {
  it("is found where the platform keeps it, and empty elsewhere", () => {
    const symbol = Symbol.for("@vercel/request-context");
    const waited: unknown[] = [];
    expect(vercelContext()).toEqual({});
    Object.assign(globalThis, {
      [symbol]: { get: () => ({ waitUntil: (one: unknown) => waited.push(one) }) },
    });
    try {
      const one = Promise.resolve();
      vercelContext().waitUntil?.(one);
      expect(waited).toEqual([one]);
    } finally {
      Reflect.deleteProperty(globalThis, symbol);
    }
  });
});
