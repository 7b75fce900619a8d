import type { HopFields } from "../../../src/index.ts";

/** The part of Lambda's context that is used here. Source: AWS Lambda Developer Guide, "Node.js context". */
export interface LambdaContext {
  readonly functionName: string;
  /** With the qualifier it was invoked by, if any: `arn:aws:lambda:<region>:<account>:function:<name>[:<alias>]`. */
  readonly invokedFunctionArn: string;
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** The only payload that a drain sends to the next one. */
export interface HopEvent {
  readonly spillway: HopFields;
}
