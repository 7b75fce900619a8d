import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";
import { convertV4MiniflareOptions, kCurrentWorker, Miniflare, NoOpLog } from "miniflare";
import { freePort } from "../../adapters/local/redis-process.ts";
import type { Invocation } from "../workerd/fixture/platform.ts";
import type { FixtureSettings } from "../workerd/fixture/settings.ts";
import { testToken } from "./redis.ts";

/** A report as the fixture Worker tells it. */
interface ToldReport {
  readonly trigger: string;
  readonly list: string;
  readonly chain: { readonly id: string; readonly hop: number };
  readonly stopped: string;
  readonly claimed: number;
  readonly acked: number;
  readonly requests: number;
  readonly remaining: number | null;
  readonly continuedWith: string | null;
  readonly declined: string | null;
  readonly nextDueAt: number | null;
  readonly error: string | null;
}

type ToldInvocation = Invocation & { readonly ms: number };

export interface Workerd {
  /** Its `POST /drain`, over real HTTP. */
  readonly url: string;
  readonly reports: readonly ToldReport[];
  readonly invocations: readonly ToldInvocation[];
  /** Depths of calls to itself that the platform would have refused. */
  readonly refusedDepths: readonly number[];
  readonly logs: readonly string[];
  /** Fires the cron trigger, and resolves when its handler has ended. */
  tick(): Promise<void>;
  request(path: string, init?: { headers?: Record<string, string>; signal?: AbortSignal }): Promise<Response>;
  /** Resolves with the first report, told or yet to come, that ended a chain: no other drain was invoked. */
  chainEnd(): Promise<ToldReport>;
  /** Resolves with the first report, told or yet to come, that fits. */
  report(fits: (report: ToldReport) => boolean): Promise<ToldReport>;
  invocation(fits: (invocation: ToldInvocation) => boolean): Promise<ToldInvocation>;
  /** Resolves with the first line logged, or yet to be logged, that fits. */
  log(fits: (line: string) => boolean): Promise<string>;
  /** Kills the process of workerd, as a machine that fails would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** What the fixture signs and verifies with. */
export const signingKey = "a-signing-key-for-tests-only-0123456789";

const running = new Set<number>();

/** The bundled fixture Worker in a real workerd process, with its Durable Object, its queue and a binding to itself. */
export async function startWorkerd(options: {
  redisUrl: string;
  list: string;
  settings?: FixtureSettings;
  /** A bundled Worker in place of the fixture. */
  script?: string;
  /** Where the Durable Object's storage is kept; default: in memory. */
  storagePath?: string;
  qstashUrl?: string;
  /** More variables of its environment. */
  bindings?: Readonly<Record<string, string>>;
}): Promise<Workerd> {
  const script = options.script ?? (await fixtureOf(options.settings ?? {}));
  const told = new Told();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/drain`;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: "ESModule", path: "worker.js", contents: script }],
      modulesRoot: "/",
      host: "127.0.0.1",
      port,
      compatibilityDate: "2026-09-01",
      compatibilityFlags: ["nodejs_als"],
      bindings: {
        UPSTASH_REDIS_REST_URL: options.redisUrl,
        UPSTASH_REDIS_REST_TOKEN: testToken,
        SPILLWAY_TOKEN: testToken,
        LIST: options.list,
        URL: url,
        KEY: signingKey,
        QSTASH_URL: options.qstashUrl ?? "",
        ...options.bindings,
      },
      durableObjects: { DRAIN_CHAIN: { className: "DrainChain", useSQLite: true } },
      serviceBindings: { SELF: kCurrentWorker },
      queueProducers: { QUEUE: { queueName: "hops" } },
      queueConsumers: { hops: { maxBatchTimeout: 0 } },
      ...(options.storagePath ? { resourcePersistencePath: options.storagePath } : {}),
      log: new NoOpLog(),
      handleStructuredLogs: ({ message }) => told.read(message),
    }),
  );
  await miniflare.ready;
  const pid = childrenNamed("workerd").find((child) => !running.has(child));
  if (pid === undefined) throw new Error("The process of workerd was not found.");
  running.add(pid);
  const worker = await miniflare.getWorker();
  return {
    url,
    reports: told.reports,
    invocations: told.invocations,
    refusedDepths: told.refusedDepths,
    logs: told.logs,
    tick: async () => {
      await worker.scheduled({ cron: "* * * * *" });
    },
    request: (path, init = {}) =>
      miniflare.dispatchFetch(`http://worker${path}`, {
        method: "POST",
        ...init,
        headers: { Authorization: `Bearer ${testToken}`, ...init.headers },
      }) as unknown as Promise<Response>,
    chainEnd: () => told.find(told.reports, ({ continuedWith }) => continuedWith === null),
    report: (fits) => told.find(told.reports, fits),
    invocation: (fits) => told.find(told.invocations, fits),
    log: (fits) => told.find(told.logs, fits),
    kill: async () => {
      process.kill(pid, "SIGKILL");
      await miniflare.dispose();
    },
    stop: () => miniflare.dispose(),
  };
}

/** The fixture's one bundle, with the settings of this Worker where its sources only declare them. */
async function fixtureOf(settings: FixtureSettings): Promise<string> {
  bundled ??= bundleForWorkerd({
    entryPoints: [fileURLToPath(new URL("../workerd/fixture/worker.ts", import.meta.url))],
  });
  return `const FIXTURE = ${JSON.stringify(settings)};\n${await bundled}`;
}

let bundled: Promise<string> | undefined;

/** A Worker's source as one script, as its platform would be given it. */
export async function bundleForWorkerd(source: Pick<BuildOptions, "entryPoints" | "stdin">): Promise<string> {
  const { outputFiles } = await build({
    ...source,
    bundle: true,
    // Its text is copied and parsed at each start.
    minify: true,
    write: false,
    format: "esm",
    target: "es2023",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:async_hooks"],
  });
  return outputFiles?.[0]?.text ?? "";
}

/** What the fixture has logged, and those who wait for it. */
class Told {
  readonly reports: ToldReport[] = [];
  readonly invocations: ToldInvocation[] = [];
  readonly refusedDepths: number[] = [];
  readonly logs: string[] = [];
  #waiting: (() => boolean)[] = [];

  read(message: string): void {
    this.logs.push(message);
    if (message.startsWith('{"told":')) this.#sort(JSON.parse(message).told);
    this.#waiting = this.#waiting.filter((isServed) => !isServed());
  }

  #sort(told: object): void {
    if ("refusedDepth" in told) this.refusedDepths.push(told.refusedDepth as number);
    else if ("stopped" in told) this.reports.push(told as ToldReport);
    else if ("ms" in told) this.invocations.push(told as ToldInvocation);
  }

  find<What>(among: readonly What[], fits: (what: What) => boolean): Promise<What> {
    return new Promise((resolve) => {
      const isServed = (): boolean => {
        const found = among.find(fits);
        if (found !== undefined) resolve(found);
        return found !== undefined;
      };
      if (!isServed()) this.#waiting.push(isServed);
    });
  }
}

function childrenNamed(name: string): number[] {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" }).split("\n");
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, parent, command]) => Number(parent) === process.pid && command?.endsWith(name))
    .map(([pid]) => Number(pid));
}
