import type { LambdaClient } from "@aws-sdk/client-lambda";
import {
  type Continuation,
  ContinuationError,
  type Declined,
  MissingPackageError,
  type NextDrain,
} from "../../../src/index.ts";
import { checkOptions, choice, integer, type Kinds, object } from "../../../src/internals.ts";
import { hopEvent } from "./events.ts";
import { ownFunction } from "./invocation.ts";

export interface LambdaContinuationOptions {
  /**
   * Whether the function's recursion setting is `Allow`. Default: the environment variable `SPILLWAY_RECURSIVE_LOOP`, which
   * `SpillwayDrain` and the SAM template set together with the setting; without it `Terminate`.
   */
  readonly recursiveLoop?: "Allow" | "Terminate";
  /** Longest chain, in hops. After it the schedule begins another. Default: 12 with `Terminate`, 1,000 with `Allow`. */
  readonly maxHops?: number;
  /** A client of your own. It must not send twice by itself: `maxAttempts: 1`. Default: a client made when first used. */
  readonly client?: LambdaClient;
}

/**
 * Unless the function's recursion setting is `Allow`, Lambda drops about the 17th invocation of a chain, without an error for the
 * caller. Whatever triggered the tick may have used up some. Source: Lambda Developer Guide, "Use Lambda recursive loop detection".
 */
const maxHopsBeforeTheWall = 12;
const maxHopsAllowed = 1_000;
const kinds = {
  recursiveLoop: choice(["Allow", "Terminate"]),
  maxHops: integer({ min: 0 }),
  client: object<LambdaClient>({ methods: ["send"], wanted: "a LambdaClient" }),
} satisfies Kinds<LambdaContinuationOptions>;
const wallHint =
  " For longer chains set the function's recursion setting to Allow, and SPILLWAY_RECURSIVE_LOOP=Allow.";

/**
 * Goes on by invoking the same function asynchronously, by the name and qualifier by which it was invoked itself. Throttling and
 * service errors are tried again while there is time. A lost reply is not: the event may be queued, and a repeat would begin a second
 * chain. Throws `OptionError` for bad options.
 */
export function lambdaContinuation(options: LambdaContinuationOptions = {}): Continuation {
  const { client, recursiveLoop = settingOfEnvironment(), ...checked } = checkOptions(kinds, options);
  const maxHops = checked.maxHops ?? (recursiveLoop === "Allow" ? maxHopsAllowed : maxHopsBeforeTheWall);
  return {
    name: "lambda",
    maxHops,
    maxHopsHint: recursiveLoop === "Allow" ? "" : wallHint,
    invoke: async (next) => invokeOwn(client ?? (await sharedClient()), next),
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

let shared: Promise<LambdaClient> | undefined;

/** One client for all warm invocations, so that its connection is reused; the SDK is loaded only now. */
function sharedClient(): Promise<LambdaClient> {
  shared ??= loadSdk().then(
    ({ LambdaClient: Client }) =>
      // By default the SDK sends a lost call up to three times, which would multiply chains.
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

async function invokeOwn(client: LambdaClient, next: NextDrain): Promise<Declined | null> {
  const { InvokeCommand } = await loadSdk();
  const own = ownFunction();
  if (!own) {
    throw new ContinuationError(
      "continuation-failed",
      "lambdaContinuation invokes the Lambda function that it runs in, but AWS_LAMBDA_FUNCTION_NAME is not set. Use another continuation outside Lambda.",
    );
  }
  const command = new InvokeCommand({
    FunctionName: own.name,
    Qualifier: own.qualifier,
    InvocationType: "Event",
    Payload: JSON.stringify(hopEvent(next)),
  });
  try {
    await client.send(command, { abortSignal: next.signal });
    return null;
  } catch (error) {
    if (error instanceof Error && error.name === "RecursiveInvocationException") {
      return {
        declined:
          "AWS ended the chain, since the function's recursion setting is not Allow. The next tick goes on.",
      };
    }
    const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new ContinuationError(codeOf(error), why, { cause: error });
  }
}

/** Only an answer of the service shows for certain that it did not take the event. */
function codeOf(error: unknown): ContinuationError["code"] {
  const status = (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
  if (status === undefined) return "continuation-unknown";
  return status === 429 || status >= 500 ? "continuation-refused" : "continuation-failed";
}
