/**
 * AWS Lambda on this machine, as far as a drain can tell: its Invoke API over HTTP for the real SDK, the queue of
 * asynchronous events with its retries, the stop of recursive loops, reserved concurrency, and execution environments
 * that are processes: frozen between invocations, killed at the timeout. Facts are from the Lambda developer guide
 * ("How Lambda handles errors and retries with asynchronous invocation", "Use Lambda recursive loop detection",
 * "Understanding the Lambda execution environment lifecycle") and the API reference (Invoke).
 *
 * It is milder than AWS in three things: an event never arrives twice by itself, a chain is stopped after exactly 16
 * invocations, and signatures are wanted but not verified.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApi, type Decision, type InvokeRequest } from "./api.ts";
import { type Dropped, EventQueue } from "./event-queue.ts";
import { Executor, type Invocation, type InvocationType } from "./executor.ts";
import { type FunctionOptions, Functions } from "./function.ts";
import { answerFunctionUrl } from "./function-url.ts";
import { failure, InvokeService, type Reply } from "./service.ts";

export type { FunctionOptions, Invocation };

export interface LambdaOptions {
  /** When a failed event is tried again, ms; on AWS 1 and 2 minutes. Default: 20 and 40. */
  readonly retryDelaysMs?: readonly [number, number];
  /** When a throttled event is tried again, ms: the first wait and the longest; on AWS 1 s and 5 min. Default: 10 and 100. */
  readonly throttleBackoffMs?: readonly [number, number];
  /** Default: eu-central-1. */
  readonly region?: string;
  /** The secrets that `AmazonSSM.GetParameters` finds, by name. */
  readonly parameters?: Readonly<Record<string, string>>;
}

interface InvokeOptions {
  /** Default: RequestResponse. */
  readonly type?: InvocationType;
  readonly qualifier?: string;
  /** A trace header to go on from. Default: a chain of its own. */
  readonly traceId?: string;
}

interface InvokeResult {
  readonly status: number;
  /** From its JSON; null where there is none. */
  readonly payload: unknown;
  readonly functionError?: "Unhandled";
}

export interface Lambda {
  /** Speaks the Invoke API; `AWS_ENDPOINT_URL` of every function. */
  readonly endpoint: string;
  /** Every invocation, in the order in which they began. */
  readonly invocations: readonly Invocation[];
  /** Events that were given up. */
  readonly dropped: readonly Dropped[];
  /** Asked about each Invoke call over HTTP. Default: all pass. */
  decide: (request: InvokeRequest) => Decision;
  /** Called when an invocation begins. */
  onStart: (invocation: Invocation) => void;
  create(options: FunctionOptions): void;
  /** Invokes as a schedule does: not over HTTP, and as the first of a chain. */
  invoke(name: string, event: unknown, options?: InvokeOptions): Promise<InvokeResult>;
  /** Its HTTP origin, without a slash at the end. A few functions can have one. */
  functionUrl(name: string): string;
  /** Resolves when no event waits and nothing runs. */
  idle(): Promise<void>;
  /** Kills what runs, forgets what waits, and stops listening. */
  stop(): Promise<void>;
}

/** Origins that `functionUrl` can give: they listen from the start, as it answers at once. */
const urlCountMax = 4;

/** Starts an emulator without functions on free ports. */
export async function startLambda(options: LambdaOptions = {}): Promise<Lambda> {
  const { region = "eu-central-1", parameters = {} } = options;
  const folder = await mkdtemp(join(tmpdir(), "spillway-lambda-"));
  const functions = new Functions(region);
  const dropped: Dropped[] = [];
  const onDrop = (drop: Dropped): void => void dropped.push(drop);
  const waiting = new Set<() => void>();
  const noteIdle = (): void => {
    if (!executor.isIdle || !queue.isEmpty) return;
    for (const resolve of waiting) resolve();
    waiting.clear();
  };

  const api = await listen((incoming, outgoing) => answer(incoming, outgoing));
  const executor = new Executor({
    endpoint: api.url,
    region,
    folder,
    onStart: (invocation) => lambda.onStart(invocation),
    onEnd: noteIdle,
  });
  const queue = new EventQueue({
    executor,
    retryDelaysMs: options.retryDelaysMs ?? [20, 40],
    throttleBackoffMs: options.throttleBackoffMs ?? [10, 100],
    onDrop,
    onEmpty: noteIdle,
  });
  const service = new InvokeService({ executor, queue, onDrop });
  const answer = createApi({ functions, service, parameters, decide: (request) => lambda.decide(request) });
  const urls = await startUrls(functions, service);

  const lambda: Lambda = {
    endpoint: api.url,
    invocations: executor.invocations,
    dropped,
    decide: () => "pass",
    onStart: () => undefined,
    create: (created) => functions.create(created),
    invoke: async (name, event, { type = "RequestResponse", qualifier, traceId } = {}) => {
      const target = functions.find(name, qualifier);
      const copied: unknown = JSON.parse(JSON.stringify(event ?? {}));
      return resultOf(
        target
          ? await service.invoke(target, type, copied, traceId)
          : failure(404, "ResourceNotFoundException", `Function not found: ${name}`),
      );
    },
    functionUrl: (name) => urls.of(name),
    idle: async () => {
      if (!executor.isIdle || !queue.isEmpty) await new Promise<void>((resolve) => waiting.add(resolve));
    },
    stop: async () => {
      queue.stop();
      await executor.stop();
      await Promise.all([api.close(), urls.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return lambda;
}

function resultOf({ status, payload, functionError }: Reply): InvokeResult {
  const value: unknown = payload === "" ? null : JSON.parse(payload);
  return { status, payload: value, ...(functionError && { functionError }) };
}

async function startUrls(functions: Functions, service: InvokeService) {
  const names: string[] = [];
  const start = (_: unknown, index: number): Promise<Listening> =>
    listen((incoming, outgoing) => {
      const target = functions.find(names[index] ?? "");
      if (!target) return outgoing.writeHead(403).end('{"Message":"Forbidden"}');
      return answerFunctionUrl(target, service, incoming, outgoing);
    });
  const servers = await Promise.all(Array.from({ length: urlCountMax }, start));
  return {
    of: (name: string): string => {
      if (!functions.find(name)) throw new Error(`There is no function ${name}.`);
      if (!names.includes(name)) names.push(name);
      const server = servers[names.indexOf(name)];
      if (!server) throw new Error(`No more than ${urlCountMax} functions can have a URL.`);
      return server.url;
    },
    close: () => Promise.all(servers.map((server) => server.close())),
  };
}

interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

async function listen(listener: RequestListener): Promise<Listening> {
  // A frozen environment cannot see that an idle connection was closed, so none is.
  const server: Server = createServer({ keepAliveTimeout: 0 }, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
