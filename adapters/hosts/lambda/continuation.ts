import type { LambdaClient } from "@aws-sdk/client-lambda";
import {
  type Continuation,
  type Declined,
  MissingPackageError,
  type NextDrain,
  OptionError,
} from "../../../src/index.ts";
import { hopEvent } from "./events.ts";
import { ownFunction } from "./invocation.ts";

export interface LambdaContinuationOptions {
  /**
   * Whether the function's recursion setting is `Allow`. Default: what the environment variable
   * `SPILLWAY_RECURSIVE_LOOP` says, which our infrastructure sets together with the setting; else `Terminate`.
   */
  readonly recursiveLoop?: "Allow" | "Terminate";
  /** Longest chain, in hops; then the schedule begins another. Default: 12 with `Terminate`, 1,000 with `Allow`. */
  readonly maxHops?: number;
  /** A client of your own; it should not send twice by itself (`maxAttempts: 1`). Default: one, made when first used. */
  readonly client?: LambdaClient;
}

/**
 * Lambda drops what is about the 17th invocation of a chain, without a word to the caller, unless the function's
 * recursion setting is `Allow`; what triggered the tick may have used up some. Source: Lambda Developer Guide,
 * "Use Lambda recursive loop detection".
 */
const maxHopsBeforeTheWall = 12;
const maxHopsAllowed = 1_000;
const firstWaitMs = 50;
const attemptMsMin = 50;

/**
 * Goes on by invoking the same function, asynchronously, by the name and qualifier it was itself invoked by. Throttling
 * and service errors are tried again within the time given; a lost reply is not, since the event may be queued, and two
 * chains would be one too many. Throws `OptionError` for bad options.
 */
export function lambdaContinuation(options: LambdaContinuationOptions = {}): Continuation {
  const recursiveLoop = options.recursiveLoop ?? settingOfEnvironment();
  if (recursiveLoop !== "Allow" && recursiveLoop !== "Terminate") {
    throw new OptionError("recursiveLoop", '"Allow" or "Terminate"', JSON.stringify(recursiveLoop));
  }
  const maxHops = options.maxHops ?? (recursiveLoop === "Allow" ? maxHopsAllowed : maxHopsBeforeTheWall);
  if (!Number.isSafeInteger(maxHops) || maxHops < 0) {
    throw new OptionError("maxHops", "a whole number of at least 0", String(maxHops));
  }
  return {
    name: "lambda",
    invoke: async (next) => {
      if (next.chain.hop > maxHops) return { declined: declineText(maxHops, recursiveLoop) };
      return invokeOnce(options.client ?? (await sharedClient()), next);
    },
  };
}

/** Reads a function's recursion setting, for a check at deploy time. Throws the SDK's errors. */
export async function recursionSetting(
  functionName: string,
  options: { readonly client?: LambdaClient } = {},
): Promise<"Allow" | "Terminate"> {
  const { GetFunctionRecursionConfigCommand } = await loadSdk();
  const client = options.client ?? (await sharedClient());
  const { RecursiveLoop } = await client.send(
    new GetFunctionRecursionConfigCommand({ FunctionName: functionName }),
  );
  return RecursiveLoop === "Allow" ? "Allow" : "Terminate";
}

function settingOfEnvironment(): "Allow" | "Terminate" {
  return process.env.SPILLWAY_RECURSIVE_LOOP === "Allow" ? "Allow" : "Terminate";
}

function declineText(maxHops: number, recursiveLoop: string): string {
  const why =
    recursiveLoop === "Allow"
      ? ""
      : " Set the function's recursion setting to Allow, and SPILLWAY_RECURSIVE_LOOP=Allow, for longer ones.";
  return `The chain has reached ${maxHops} hops; the schedule goes on.${why}`;
}

let shared: Promise<LambdaClient> | undefined;

/** One client for all warm invocations, so that its connection is reused; the SDK is loaded only now. */
function sharedClient(): Promise<LambdaClient> {
  shared ??= loadSdk().then(
    ({ LambdaClient: Client }) =>
      // The SDK would send a lost call up to three times, and chains would multiply.
      new Client({ maxAttempts: 1 }),
  );
  return shared;
}

/** Lambda's runtime brings the SDK. */
function loadSdk(): Promise<typeof import("@aws-sdk/client-lambda")> {
  return import("@aws-sdk/client-lambda").catch((cause: unknown) => {
    throw new MissingPackageError("@aws-sdk/client-lambda", { cause });
  });
}

async function invokeOnce(
  client: LambdaClient,
  { list, chain, timeoutMs }: NextDrain,
): Promise<Declined | null> {
  const { InvokeCommand } = await loadSdk();
  const own = ownFunction();
  if (!own) {
    throw new Error(
      "lambdaContinuation invokes the Lambda function it runs in, and this is none: AWS_LAMBDA_FUNCTION_NAME is not set.",
    );
  }
  const command = new InvokeCommand({
    FunctionName: own.name,
    Qualifier: own.qualifier,
    InvocationType: "Event",
    Payload: JSON.stringify(hopEvent(list, chain)),
  });
  const giveUpAt = Date.now() + timeoutMs;
  for (let waitMs = firstWaitMs; ; waitMs *= 2) {
    const leftMs = Math.max(attemptMsMin, giveUpAt - Date.now());
    try {
      await client.send(command, { abortSignal: AbortSignal.timeout(leftMs) });
      return null;
    } catch (error) {
      if (nameOf(error) === "RecursiveInvocationException") {
        return { declined: "AWS ended the chain: the function's recursion setting is not Allow." };
      }
      const pauseMs = waitMs * (0.5 + Math.random() / 2);
      if (!wasRefused(error) || Date.now() + pauseMs + attemptMsMin > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** Whether the service answered that it did not take the event: only then may it be sent again. */
function wasRefused(error: unknown): boolean {
  const status = (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
  return status === 429 || (status !== undefined && status >= 500);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}
