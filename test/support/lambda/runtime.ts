/**
 * What runs in an execution environment: imports the bundle once, then takes invocations one by one. It reads and
 * writes synchronously, so between the end of one invocation and the next nothing else runs in this process, not even
 * before its parent has stopped it. File descriptor 0 brings invocations, 3 takes reports, a JSON line each.
 */
import { readSync, writeSync } from "node:fs";
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

export interface RuntimeInvocation {
  readonly requestId: string;
  readonly event: unknown;
  readonly trace: string;
  readonly arn: string;
  readonly deadlineMs: number;
}

export interface RuntimeError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

/** The first report says that the environment is ready, or why it is not; each further one ends an invocation. */
export type RuntimeReport =
  | { readonly ready: true }
  | { readonly result: string }
  | { readonly error: RuntimeError };

type Handler = (event: unknown, context: object) => unknown;

const [, , file = "", exportName = "", sdkFrom = ""] = process.argv;

// On AWS the runtime brings the SDK, for bundles that leave it out.
registerHooks({
  resolve(specifier, context, nextResolve) {
    try {
      return nextResolve(specifier, context);
    } catch (error) {
      if (!specifier.startsWith("@aws-sdk/")) throw error;
      return nextResolve(specifier, { ...context, parentURL: sdkFrom });
    }
  },
});

let handler: Handler;
try {
  handler = await loadHandler();
} catch (error) {
  console.error(error);
  report({ error: describe(error) });
  process.exit(1);
}
report({ ready: true });
for (let line = readLine(); line !== null; line = readLine()) {
  const invocation = JSON.parse(line) as RuntimeInvocation;
  // What the thawed process has to catch up with comes first, such as connections that were closed meanwhile.
  await new Promise(setImmediate);
  process.env._X_AMZN_TRACE_ID = invocation.trace;
  report(await run(invocation));
}
process.exit(0);

async function loadHandler(): Promise<Handler> {
  const found = ((await import(pathToFileURL(file).href)) as Record<string, unknown>)[exportName];
  if (typeof found === "function") return found as Handler;
  const error = new Error(`${exportName} is undefined or not exported`);
  error.name = "Runtime.HandlerNotFound";
  throw error;
}

async function run(invocation: RuntimeInvocation): Promise<RuntimeReport> {
  try {
    const result = await handler(invocation.event, contextOf(invocation));
    return { result: JSON.stringify(result) ?? "null" };
  } catch (error) {
    console.error(error);
    return { error: describe(error) };
  }
}

function contextOf({ requestId, arn, deadlineMs }: RuntimeInvocation): object {
  const { env } = process;
  return {
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: arn,
    awsRequestId: requestId,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
}

function describe(error: unknown): RuntimeError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error) };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? "").split("\n") };
}

function report(message: RuntimeReport): void {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(3, bytes, sent);
}

/** Blocks until the next line is there. Null: whoever sends them is gone. */
function readLine(): string | null {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(65_536);
    const length = readSync(0, chunk);
    if (length === 0) return null;
    chunks.push(chunk.subarray(0, length));
    if (chunk[length - 1] === 0x0a) return Buffer.concat(chunks).toString();
  }
}
