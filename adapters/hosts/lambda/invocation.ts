import { AsyncLocalStorage } from "node:async_hooks";
import type { LambdaContext } from "./types.ts";

/** The present invocation, for the continuation, which was made long before it. */
export const invocation = new AsyncLocalStorage<LambdaContext>();

/** The function to invoke next: this one, by the qualifier by which it was invoked, so that an alias stays an alias. */
export function ownFunction(): { name: string; qualifier: string | undefined } | null {
  const context = invocation.getStore();
  if (context) {
    // arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]
    const qualifier = context.invokedFunctionArn.split(":")[7];
    return { name: context.functionName, qualifier };
  }
  const name = process.env.AWS_LAMBDA_FUNCTION_NAME;
  return name ? { name, qualifier: undefined } : null;
}
