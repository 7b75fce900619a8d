/** A drain as an AWS Lambda function: `handler = lambdaHandler(drain)`, with `continuation: lambdaContinuation()`. */
export { type LambdaContinuationOptions, lambdaContinuation, recursionSetting } from "./continuation.ts";
export { type LambdaHandlerOptions, lambdaHandler } from "./handler.ts";
export { parameters } from "./parameters.ts";
export type { HopEvent, LambdaContext } from "./types.ts";
