import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  GetFunctionRecursionConfigCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionRecursionConfigCommand,
} from "@aws-sdk/client-lambda";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { recursionSetting } from "../../adapters/hosts/lambda/index.ts";
import { type FunctionOptions, type Lambda, startLambda } from "../support/lambda/emulator.ts";
import { measureTimeScale } from "../support/time-scale.ts";

const scaled = measureTimeScale();

/** What the chains' tests stand on: if this were milder than AWS, they would prove nothing. */
describe("the Lambda emulator", () => {
  let folder: string;
  let file: string;
  let lambda: Lambda;
  let client: LambdaClient;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "spillway-functions-"));
    file = join(folder, "index.mjs");
    await writeFile(
      file,
      `import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
       let count = 0;
       export const echo = async (event, context) => ({ event, arn: context.invokedFunctionArn, count: ++count });
       export const fail = async () => { throw new TypeError("no"); };
       export const spin = () => { for (;;); };
       export const exit = () => process.exit(3);
       export const late = async () => {
         const before = count;
         setInterval(() => count++, 1);
         return before;
       };
       export const again = async (event) => {
         await new LambdaClient({}).send(new InvokeCommand({
           FunctionName: process.env.AWS_LAMBDA_FUNCTION_NAME, InvocationType: "Event", Payload: JSON.stringify({ n: event.n - 1 }),
         }));
       };
       export const chain = async (event) => event.n > 1 ? again(event) : "end";
       export const http = async (event) => ({ statusCode: 201, headers: { "X-Path": event.rawPath }, body: event.body });`,
    );
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  beforeEach(async () => {
    lambda = await startLambda();
    client = new LambdaClient({
      endpoint: lambda.endpoint,
      region: "eu-central-1",
      credentials: { accessKeyId: "x", secretAccessKey: "y" },
      maxAttempts: 1,
    });
  });

  afterEach(async () => {
    client.destroy();
    await lambda.stop();
  });

  const create = (handler: string, options: Partial<FunctionOptions> = {}): void =>
    lambda.create({ name: handler, file, handler, timeoutMs: scaled(5_000), ...options });
  const send = (name: string, type: "Event" | "RequestResponse", event: unknown = {}, qualifier?: string) =>
    client.send(
      new InvokeCommand({
        FunctionName: name,
        InvocationType: type,
        Payload: JSON.stringify(event),
        Qualifier: qualifier,
      }),
    );
  const said = (payload: Uint8Array | undefined): unknown => JSON.parse(new TextDecoder().decode(payload));

  it("runs an invocation, and answers with what the handler returned or threw", async () => {
    create("echo", { aliases: ["live"] });
    create("fail");
    expect(said((await send("echo", "RequestResponse", { a: 1 }, "live")).Payload)).toEqual({
      event: { a: 1 },
      arn: "arn:aws:lambda:eu-central-1:123456789012:function:echo:live",
      count: 1,
    });
    const failed = await send("fail", "RequestResponse");
    expect(failed.FunctionError).toBe("Unhandled");
    expect(said(failed.Payload)).toMatchObject({ errorType: "TypeError", errorMessage: "no" });
    await expect(send("nothing", "Event")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await expect(send("echo", "Event", {}, "other")).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
  });

  it("reuses a warm environment, whose process is frozen in between", async () => {
    create("late");
    const first = await lambda.invoke("late", {});
    await new Promise((resolve) => setTimeout(resolve, 100));
    const second = await lambda.invoke("late", {});
    expect(first.payload).toBe(0);
    // A millisecond's timer has not run a hundred times.
    expect(second.payload).toBeLessThan(20);
    expect(new Set(lambda.invocations.map(({ environmentId }) => environmentId)).size).toBe(1);
  });

  it("kills an invocation at its timeout, though it blocks its event loop", async () => {
    create("spin", { timeoutMs: 200 });
    const { functionError, payload } = await lambda.invoke("spin", {});
    expect(functionError).toBe("Unhandled");
    expect(payload).toMatchObject({ errorMessage: expect.stringContaining("timed out after 0.20 seconds") });
    expect(lambda.invocations[0]?.outcome).toBe("timed-out");
  });

  it("tries a failed event twice again by default, never where that is set to 0, and drops it then", async () => {
    create("fail");
    create("exit", { maximumRetryAttempts: 0 });
    await send("fail", "Event");
    await send("exit", "Event");
    await lambda.idle();
    const ran = lambda.invocations.map(({ functionName, attempt, outcome }) => [
      functionName,
      attempt,
      outcome,
    ]);
    expect(ran.sort()).toEqual([
      ["exit", 0, "crashed"],
      ["fail", 0, "threw"],
      ["fail", 1, "threw"],
      ["fail", 2, "threw"],
    ]);
    expect(lambda.dropped.map(({ reason }) => reason)).toEqual(["retries", "retries"]);
  });

  it("stops a loop at its 17th invocation unless the function allows it, and tells no one", async () => {
    create("chain");
    expect((await send("chain", "Event", { n: 20 })).StatusCode).toBe(202);
    await lambda.idle();
    expect(lambda.invocations.length).toBe(16);
    expect(lambda.dropped).toMatchObject([{ reason: "recursion", event: { n: 4 } }]);

    expect(await recursionSetting("chain", { client })).toBe("Terminate");
    await client.send(
      new PutFunctionRecursionConfigCommand({ FunctionName: "chain", RecursiveLoop: "Allow" }),
    );
    const { RecursiveLoop } = await client.send(
      new GetFunctionRecursionConfigCommand({ FunctionName: "chain" }),
    );
    expect(RecursiveLoop).toBe("Allow");
    await send("chain", "Event", { n: 20 });
    await lambda.idle();
    expect(lambda.invocations.length).toBe(36);
  });

  it("answers 429 when the reserved concurrency is used up, and keeps throttled events until they are too old", async () => {
    create("spin", { timeoutMs: 1_000, reservedConcurrency: 1, maximumRetryAttempts: 0 });
    create("echo", { reservedConcurrency: 0, maximumEventAgeMs: 200 });
    const started = new Promise<void>((resolve) => {
      lambda.onStart = () => resolve();
    });
    await send("spin", "Event");
    await started;
    await expect(send("spin", "RequestResponse")).rejects.toMatchObject({ name: "TooManyRequestsException" });
    await send("echo", "Event");
    await lambda.idle();
    expect(lambda.dropped.map(({ functionName, reason }) => [functionName, reason])).toEqual([
      ["echo", "age"],
      ["spin", "retries"],
    ]);
  });

  it("refuses an event of more than 1 MB", async () => {
    create("echo");
    await expect(send("echo", "Event", "x".repeat(1024 * 1024))).rejects.toMatchObject({
      name: "RequestTooLargeException",
    });
    expect(lambda.invocations).toEqual([]);
  });

  it("does to an Invoke call what the test decides", async () => {
    create("echo");
    const decisions = ["throttle", "error-500", "reset", "lose-reply", "pass"] as const;
    lambda.decide = ({ index }) => decisions[index] ?? "pass";
    await expect(send("echo", "Event")).rejects.toMatchObject({ $metadata: { httpStatusCode: 429 } });
    await expect(send("echo", "Event")).rejects.toMatchObject({ $metadata: { httpStatusCode: 500 } });
    await expect(send("echo", "Event")).rejects.toThrow();
    await lambda.idle();
    expect(lambda.invocations.length).toBe(0);
    await expect(send("echo", "Event")).rejects.toThrow();
    await lambda.idle();
    expect(lambda.invocations.length).toBe(1);
    await send("echo", "Event");
    await lambda.idle();
    expect(lambda.invocations.length).toBe(2);
  });

  it("serves a function URL", async () => {
    create("http");
    const response = await fetch(`${lambda.functionUrl("http")}/drain?a=1`, {
      method: "POST",
      body: "hello",
    });
    expect([response.status, response.headers.get("x-path"), await response.text()]).toEqual([
      201,
      "/drain",
      "hello",
    ]);
  });
});
