import { randomBytes } from "node:crypto";
import { type Ended, Environment } from "./environment.ts";
import type { LambdaFunction, Target } from "./function.ts";
import { type Trace, traceHeader } from "./trace.ts";

export type InvocationType = "RequestResponse" | "Event";

/** An invocation, as it stands: `outcome` is running until it has ended. */
export interface Invocation {
  /** The same for all attempts of an event. */
  readonly requestId: string;
  readonly functionName: string;
  readonly qualifier: string;
  readonly type: InvocationType;
  readonly event: unknown;
  /** From 0. */
  readonly attempt: number;
  /** Invocations in its chain so far, itself included. */
  readonly lineage: number;
  readonly environmentId: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly outcome: "running" | "returned" | "threw" | "timed-out" | "crashed";
  /** What the handler returned, from its JSON. */
  readonly result?: unknown;
  readonly errorMessage?: string;
  /** What it printed, a line each; there once it has ended. A cold start's lines come first. */
  readonly logs: readonly string[];
}

/** An invocation to be. */
export interface Request {
  readonly requestId: string;
  readonly target: Target;
  readonly type: InvocationType;
  readonly event: unknown;
  readonly trace: Trace;
  readonly attempt: number;
}

export interface ExecutorOptions {
  readonly endpoint: string;
  readonly region: string;
  /** For the output of environments. */
  readonly folder: string;
  readonly onStart: (invocation: Invocation) => void;
  readonly onEnd: () => void;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Runs invocations in environments: a free warm one where there is one, else a new one. */
export class Executor {
  readonly invocations: Mutable<Invocation>[] = [];
  readonly #options: ExecutorOptions;
  readonly #free = new Map<string, Environment[]>();
  readonly #environments = new Set<Environment>();
  readonly #running = new Set<Promise<Ended>>();

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** Null: throttled, as all of the function's reserved concurrency is in use. */
  start(request: Request): Promise<Ended> | null {
    const { lambda } = request.target;
    if (lambda.runningCount >= lambda.reservedConcurrency) return null;
    lambda.runningCount++;
    const running = this.#run(request);
    this.#running.add(running);
    return running.finally(() => {
      this.#running.delete(running);
      lambda.runningCount--;
      this.#options.onEnd();
    });
  }

  async stop(): Promise<void> {
    for (const environment of this.#environments) environment.kill();
    await Promise.all([...this.#environments].map((environment) => environment.ended));
    await Promise.all(this.#running);
  }

  async #run(request: Request): Promise<Ended> {
    const { target } = request;
    const pool = `${target.lambda.name}:${target.version}`;
    const free = this.#free.get(pool) ?? [];
    this.#free.set(pool, free);
    const environment = this.#takeWarm(free) ?? this.#startCold(target);
    const initError = await environment.ready;
    const invocation = this.#record(request, environment.id);
    this.#options.onStart(invocation);
    const ended = initError
      ? { outcome: "crashed" as const, error: initError, logs: environment.takeLogs() }
      : await environment.run(
          {
            requestId: request.requestId,
            event: request.event,
            trace: traceHeader(request.trace),
            arn: target.arn,
            deadlineMs: Date.now() + target.lambda.timeoutMs,
          },
          target.lambda.timeoutMs,
        );
    if (ended.outcome === "returned" || ended.outcome === "threw") free.push(environment);
    invocation.endedAt = Date.now();
    invocation.outcome = ended.outcome;
    invocation.logs = ended.logs;
    if ("error" in ended) invocation.errorMessage = ended.error.errorMessage;
    else invocation.result = JSON.parse(ended.result);
    return ended;
  }

  #record({ requestId, target, type, event, attempt, trace }: Request, environmentId: string) {
    const invocation: Mutable<Invocation> = {
      requestId,
      functionName: target.lambda.name,
      qualifier: target.qualifier,
      type,
      event,
      attempt,
      lineage: trace.count,
      environmentId,
      startedAt: Date.now(),
      outcome: "running",
      logs: [],
    };
    this.invocations.push(invocation);
    return invocation;
  }

  #takeWarm(free: Environment[]): Environment | null {
    for (let next = free.pop(); next; next = free.pop()) if (next.isAlive) return next;
    return null;
  }

  #startCold(target: Target): Environment {
    const { lambda, version } = target;
    const id = randomBytes(16).toString("hex");
    const environment = new Environment({
      id,
      file: lambda.file,
      handler: lambda.handler,
      folder: this.#options.folder,
      variables: { ...this.#variables(lambda, version, id), ...lambda.environment },
    });
    this.#environments.add(environment);
    void environment.ended.then(() => this.#environments.delete(environment));
    return environment;
  }

  #variables({ name, handler }: LambdaFunction, version: string, id: string): Record<string, string> {
    const { endpoint, region } = this.#options;
    const day = new Date().toISOString().slice(0, 10).replaceAll("-", "/");
    return {
      PATH: process.env.PATH ?? "",
      TZ: ":UTC",
      LANG: "en_US.UTF-8",
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_VERSION: version,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
      AWS_LAMBDA_LOG_STREAM_NAME: `${day}/[${version}]${id}`,
      _HANDLER: `index.${handler}`,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "not-a-secret",
      AWS_SESSION_TOKEN: "not-a-token",
      AWS_ENDPOINT_URL: endpoint,
    };
  }
}
