import { handle } from "hono/aws-lambda";
import type { DrainReport, HostedDrain, RunOptions } from "../../../src/index.ts";
import {
  attempt,
  checkOptions,
  choice,
  either,
  func,
  integer,
  type Kinds,
  table,
  text,
} from "../../../src/internals.ts";
import { createHttpApp } from "../../http/app.ts";
import { drainOpener, type GivenDrain, once } from "../../http/given-drain.ts";
import { reportAsJson, reportLine, tellReport } from "../../http/report.ts";
import { type HttpRoutes, routesKind } from "../../http/routes.ts";
import { countWrongTokens, type HttpToken, tokensKind } from "../../http/tokens.ts";
import { readEvent } from "./events.ts";
import { invocation } from "./invocation.ts";
import { metricsLine } from "./metrics.ts";
import type { LambdaContext } from "./types.ts";

export interface LambdaHandlerOptions {
  /** Bearer token for `POST /drain` and `GET /stats`, or a function that fetches it. Without one, both are closed. */
  readonly token?: string | (() => Promise<string>);
  /** Bearer token that opens `POST /wake`, which the other one opens too, and nothing else. Default: none. */
  readonly wakeToken?: string | (() => Promise<string>);
  /** More tokens, each with what it opens, as for `createHttpApp`, or a function that fetches them. Default: none. */
  readonly tokens?: readonly HttpToken[] | (() => Promise<readonly HttpToken[]>);
  /** Routes to serve beside: `[operations()]`. Default: none. */
  readonly routes?: readonly HttpRoutes[];
  /** Longest budget of one drain, ms. Default: all the time of the invocation, less the margin. */
  readonly budgetMs?: number;
  /**
   * Time between the end of the drain's budget and that of the invocation, ms, for a last request that is late; never more
   * than a third of what the invocation has. The time to settle and to go on is the drain's own `reserveMs`, within its
   * budget. Default: 2,000.
   */
  readonly marginMs?: number;
  /**
   * CloudWatch metrics, as log lines that hold the report. With `false` there are none, and only drains that found something or
   * failed write a line. Default: namespace `Spillway`.
   */
  readonly metrics?: { readonly namespace?: string } | false;
  /** Where log lines go. Default: `console.log`. */
  readonly log?: (line: string) => void;
}

const budgetMsMax = 86_400_000;
const kinds = {
  token: either(text({ isSecret: true }), func<() => Promise<string>>()),
  wakeToken: either(text({ isSecret: true }), func<() => Promise<string>>()),
  tokens: either(tokensKind, func<() => Promise<readonly HttpToken[]>>()),
  routes: routesKind,
  budgetMs: integer({ min: 1, max: budgetMsMax }),
  marginMs: integer({ min: 0, default: 2_000 }),
  metrics: either(table({ namespace: text({ default: "Spillway" }) }, { default: {} }), choice([false])),
  log: func<(line: string) => void>(),
} satisfies Kinds<LambdaHandlerOptions>;
/**
 * One Lambda function for schedules, its own invocations of itself, and HTTP: the routes of `createHttpApp` by function URL, API
 * Gateway v1 and v2, load balancer and VPC Lattice v2. Takes a drain, or a function that makes one; that is called once for each
 * execution environment, and is the place to fetch secrets. Errors of a drain are in the report that it returns and logs. It throws
 * only where no drain could be made or the event is not for it, so that Lambda's own retries never run beside a chain. Throws
 * `OptionError` for bad options.
 */
export function lambdaHandler(
  drain: GivenDrain,
  options: LambdaHandlerOptions = {},
): (event: unknown, context: LambdaContext) => Promise<unknown> {
  const checked = checkOptions(kinds, options);
  const { marginMs, budgetMs = budgetMsMax, token, wakeToken, tokens, routes, metrics } = checked;
  const openDrain = drainOpener(drain, budgetMs);
  const countWrong = countWrongTokens();
  const namespace = metrics ? metrics.namespace : null;
  const log = checked.log ?? ((line) => console.log(line));
  const openTokens = once(async () => ({
    token: typeof token === "function" ? await token() : token,
    wakeToken: typeof wakeToken === "function" ? await wakeToken() : wakeToken,
    tokens: typeof tokens === "function" ? await tokens() : tokens,
  }));

  return (event, context) =>
    invocation.run(context, async () => {
      const ask = readEvent(event);
      const opened = await openDrain();
      const leftMs = remainingMs(context);
      const ownChain = { id: context.awsRequestId, hop: 0 };
      const budget = Math.max(1, Math.floor(Math.min(budgetMs, leftMs - Math.min(marginMs, leftMs / 3))));
      const logged = logging(opened, (report, runOptions) => {
        const place = { list: opened.list, chain: runOptions.chain ?? ownChain };
        const line =
          namespace === null
            ? reportLine(report, place)
            : metricsLine(report, { ...place, namespace, at: Date.now() });
        if (line !== null) tellReport(() => log(line));
      });
      if (ask.kind === "http") {
        const app = createHttpApp(logged, { routes, budgetMs: budget, ...(await openTokens()) }, countWrong);
        return handle(app)(ask.event as never, context as never);
      }
      // A hop of another list, from before this function got a new one, begins a chain of its own.
      const isOwn = ask.kind === "hop" && ask.hop.list === opened.list;
      const chain = isOwn ? ask.hop.chain : ownChain;
      return reportAsJson(await logged.run({ budgetMs: budget, chain }));
    });
}

/** Throws `TypeError` for a context that does not tell it, such as a test's or an emulator's. */
function remainingMs(context: LambdaContext): number {
  const leftMs = attempt(() => context.getRemainingTimeInMillis());
  if (typeof leftMs === "number" && !Number.isNaN(leftMs)) return leftMs;
  throw new TypeError(
    "lambdaHandler wants Lambda's context as its second argument, whose getRemainingTimeInMillis() returns how many ms are left.",
  );
}

/** The drain, with `tell` called for each report. */
function logging(drain: HostedDrain, tell: (report: DrainReport, options: RunOptions) => void): HostedDrain {
  return {
    ...drain,
    run: async (options = {}) => {
      const report = await drain.run(options);
      tell(report, options);
      return report;
    },
  };
}
