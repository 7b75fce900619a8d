import type {
  ChainPosition,
  Continuation,
  DrainOptions,
  DrainReport,
  Hop,
  HostedDrain,
} from "../../../src/index.ts";
import {
  checkOptions,
  choice,
  either,
  func,
  integer,
  type Kinds,
  object,
  required,
  table,
} from "../../../src/internals.ts";
import { logReport } from "../../http/report.ts";
import { type HttpRoutes, routesKind } from "../../http/routes.ts";
import { countWrongTokens, type HttpToken, type WrongTokens } from "../../http/tokens.ts";

/** What began a drain: an HTTP request, a cron tick, the alarm of a Durable Object, or a message of a Queue. */
export type Trigger = "http" | "cron" | "alarm" | "queue";

/** What a continuation may know about its invocation. */
export interface Invocation {
  readonly trigger: Trigger;
  /** The Worker's bearer token, for calls to itself. */
  readonly token: string | undefined;
}

/** One drain that has ended. */
export interface EndedDrain {
  readonly trigger: Trigger;
  readonly list: string;
  readonly chain: ChainPosition;
}

/**
 * Returns the drain's options from the bindings and secrets in `env`. It is called for each invocation, and nothing is kept. For
 * several lists it returns a function: `(env) => (more) => createSpillway({ redis, lists, ...more })`.
 */
export type DrainOfEnv<Env, Value = unknown> = (
  env: Env,
) => (DrainOptions<Value> & { continuation?: never }) | HostedDrainMaker;

/** Makes a drain, or several lists together, with the given continuation. */
type HostedDrainMaker = (more: { continuation?: Continuation }) => HostedDrain;

export interface CloudflareHandlerOptions<Env> {
  /**
   * Returns the bearer token for `POST /drain` and `GET /stats`. Without one, both are closed. Default: the secret
   * `SPILLWAY_TOKEN`.
   */
  readonly token?: (env: Env) => string | undefined;
  /** Returns a bearer token for `POST /wake` alone; `token` opens that too. Default: the secret `SPILLWAY_WAKE_TOKEN`. */
  readonly wakeToken?: (env: Env) => string | undefined;
  /** Returns more tokens, each with what it opens, as for `createHttpApp`. Default: none. */
  readonly tokens?: (env: Env) => readonly HttpToken[] | undefined;
  /** More routes to serve: `[operations()]`, which needs a drain made by `createDrain` or `createSpillway`. Default: none. */
  readonly routes?: readonly HttpRoutes[];
  /**
   * How a drain whose budget ended goes on: a `Continuation`, a function that makes one, or null for none, so that only the next
   * tick goes on. Default: `alarmContinuation()`.
   */
  readonly continuation?: Continuation | ((env: Env, invocation: Invocation) => Continuation | null) | null;
  /**
   * Recognises hops that come by HTTP: `signedReceiver(…)`, `qstashReceiver(…)`, or a `ReceiveHop` of your own, which gets `env`
   * too. A hop needs no token, is answered with 202 at once, and drains. Default: no hops by HTTP.
   */
  readonly receiveHop?: (request: Request, env: Env) => Promise<Hop | null>;
  /**
   * The Workers plan, for its limit of subrequests in one invocation: 50 on `free`, 10,000 on `paid`. Default: `free`, since a limit
   * that is too low only costs a few hops, while one that is too high cuts a drain off.
   */
  readonly plan?: "free" | "paid";
  /** Subrequests of one invocation, where the account has another limit (`limits.subrequests`). Default: the plan's. */
  readonly requestsMax?: number;
  /**
   * How many subrequests the handler and the listeners make for one message. The markers of `idempotent` are counted by
   * themselves. Default: 0.
   */
  readonly requestsPerMessage?: number;
  /** How long an invocation may take, ms, by what began it. Default: 30,000 for `http` and 900,000 for the others, the platform's limits. */
  readonly wallMs?: Partial<Record<Trigger, number>>;
  /**
   * CPU time of one invocation, ms (`limits.cpu_ms`). A Worker cannot measure its CPU time, so no drain takes longer than this by
   * the clock. Raise it where handlers mostly wait, so that a hop every half minute would be too often. Default: 30,000.
   */
  readonly cpuMs?: number;
  /**
   * Time between the end of the drain's budget and that of the invocation, ms, for a last request that is late; never more
   * than a third of what the invocation has. The time to settle and to go on is the drain's own `reserveMs`, within its
   * budget. Default: 2,000.
   */
  readonly marginMs?: number;
  /** Called with each report. Default: logs the reports of drains that found something or failed, as one line of JSON each. */
  readonly onReport?: (report: DrainReport, drain: EndedDrain) => void;
}

/** Subrequests of one invocation: Workers "Limits"; changelog of 11 February 2026 for the paid plan. */
const requestsMaxOfPlan = { free: 50, paid: 10_000 };
/** The fewest requests with which a Worker can receive a hop and drain a batch. */
const requestsMin = 12;
/** The most that `run` takes. */
const requestsPerMessageMax = 1_000;

type Options = CloudflareHandlerOptions<unknown>;
const kinds = {
  token: func<(env: unknown) => string | undefined>(),
  wakeToken: func<(env: unknown) => string | undefined>(),
  tokens: func<NonNullable<Options["tokens"]>>(),
  routes: routesKind,
  continuation: either(
    either(object<Continuation>({ methods: ["invoke"], wanted: "a continuation" }), choice([null])),
    func<(env: unknown, invocation: Invocation) => Continuation | null>(),
  ),
  receiveHop: func<NonNullable<Options["receiveHop"]>>(),
  plan: choice(["free", "paid"], { default: "free" }),
  requestsMax: integer({ min: requestsMin }),
  requestsPerMessage: integer({ min: 0, max: requestsPerMessageMax, default: 0 }),
  // Wall time: Workers "Limits" (`waitUntil` after a response), Durable Objects "Limits" (wall time by event).
  wallMs: table(
    {
      http: integer({ min: 1, default: 30_000 }),
      cron: integer({ min: 1, default: 900_000 }),
      alarm: integer({ min: 1, default: 900_000 }),
      queue: integer({ min: 1, default: 900_000 }),
    },
    { default: {} },
  ),
  // CPU time: Workers "Limits" (paid), Durable Objects "Limits" (CPU per request).
  cpuMs: integer({ min: 1, max: 86_400_000, default: 30_000 }),
  marginMs: integer({ min: 0, default: 2_000 }),
  onReport: func<NonNullable<Options["onReport"]>>(),
} satisfies Kinds<Options>;

/** The options with all defaults, checked. */
export interface CloudflareSettings<Env> {
  readonly drain: (env: Env) => DrainOptions | HostedDrainMaker;
  readonly token: (env: Env) => string | undefined;
  readonly wakeToken: (env: Env) => string | undefined;
  readonly tokens: CloudflareHandlerOptions<Env>["tokens"];
  readonly routes: readonly HttpRoutes[] | undefined;
  readonly countWrong: WrongTokens;
  readonly continuation: CloudflareHandlerOptions<Env>["continuation"];
  readonly receiveHop: CloudflareHandlerOptions<Env>["receiveHop"];
  readonly requestsMax: number;
  readonly requestsPerMessage: number;
  readonly budgetMs: Record<Trigger, number>;
  readonly onReport: (report: DrainReport, drain: EndedDrain) => void;
}

/** Checks the options and fills in the defaults. Throws `OptionError`. */
export function readOptions<Env, Value>(
  drain: DrainOfEnv<Env, Value>,
  options: CloudflareHandlerOptions<Env>,
): CloudflareSettings<Env> {
  checkOptions({ drain: required(func()) }, { drain });
  const checked = checkOptions(kinds, options);
  const requestsMax = checked.requestsMax ?? requestsMaxOfPlan[checked.plan];
  // With more, no drain could afford a single message. One request is for its done-marker.
  const max = Math.max(0, Math.min(requestsPerMessageMax, requestsMax - requestsMin - 1));
  const affordable = { requestsPerMessage: integer({ min: 0, max, default: 0 }) };
  const { requestsPerMessage } = checkOptions(affordable, { requestsPerMessage: checked.requestsPerMessage });
  const budgetOf = (trigger: Trigger): number => {
    const wall = Math.min(checked.wallMs[trigger], checked.cpuMs);
    return Math.max(1, Math.floor(wall - Math.min(checked.marginMs, wall / 3)));
  };
  return {
    drain: drain as CloudflareSettings<Env>["drain"],
    token: options.token ?? ((env) => (env as { SPILLWAY_TOKEN?: string }).SPILLWAY_TOKEN),
    wakeToken: options.wakeToken ?? ((env) => (env as { SPILLWAY_WAKE_TOKEN?: string }).SPILLWAY_WAKE_TOKEN),
    tokens: options.tokens,
    routes: options.routes,
    countWrong: countWrongTokens(),
    continuation: options.continuation,
    receiveHop: options.receiveHop,
    requestsMax,
    requestsPerMessage,
    budgetMs: {
      http: budgetOf("http"),
      cron: budgetOf("cron"),
      alarm: budgetOf("alarm"),
      queue: budgetOf("queue"),
    },
    onReport: options.onReport ?? logReport,
  };
}
