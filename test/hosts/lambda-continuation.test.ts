import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lambdaContinuation, recursionSetting } from "../../adapters/hosts/lambda/index.ts";
import { invocation } from "../../adapters/hosts/lambda/invocation.ts";
import type { Declined } from "../../src/index.ts";
import { invokeBy, nextDrain } from "../support/continuation.ts";

interface Asked {
  readonly path: string;
  readonly type: string | undefined;
  readonly body: unknown;
}

type Answer = { status: number; error?: string; body?: object } | "reset" | "hang";

/** A service that speaks just enough of Lambda's API to be asked once, and answers as scripted. */
describe("the Lambda continuation", () => {
  let server: Server;
  let client: LambdaClient;
  let asked: Asked[];
  let answers: Answer[];

  beforeEach(async () => {
    asked = [];
    answers = [];
    server = createServer(async (request, response) => {
      let text = "";
      for await (const chunk of request) text += chunk;
      const type = request.headers["x-amz-invocation-type"] as string | undefined;
      asked.push({ path: request.url ?? "", type, body: text === "" ? null : JSON.parse(text) });
      const answer = answers.shift() ?? { status: 202 };
      if (answer === "hang") return;
      if (answer === "reset") return void request.socket.destroy();
      if (answer.error) response.setHeader("X-Amzn-ErrorType", answer.error);
      response.writeHead(answer.status, { "content-type": "application/json" });
      response.end(JSON.stringify(answer.body ?? {}));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    client = new LambdaClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: "eu-central-1",
      credentials: { accessKeyId: "x", secretAccessKey: "y" },
      maxAttempts: 1,
    });
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    client.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const hopTo = (hop: number) => ({ list: "mail", chain: { id: "c", hop } });
  const inside = (
    arn: string,
    hop: number,
    options: object = {},
    timeoutMs?: number,
  ): Promise<Declined | null> =>
    invocation.run(
      {
        functionName: "drain",
        invokedFunctionArn: arn,
        awsRequestId: "r",
        getRemainingTimeInMillis: () => 1,
      },
      () => invokeBy(lambdaContinuation({ client, ...options }), hopTo(hop), timeoutMs),
    );
  const latest = "arn:aws:lambda:eu-central-1:1:function:drain";

  it("invokes its own function asynchronously, with list, chain and hop, and stays on its alias", async () => {
    expect(await inside(latest, 3)).toBe(null);
    expect(await inside(`${latest}:live`, 4)).toBe(null);

    expect(asked).toMatchObject([
      {
        path: "/2015-03-31/functions/drain/invocations",
        type: "Event",
        body: { spillway: { list: "mail", chainId: "c", hop: 3 } },
      },
      { path: "/2015-03-31/functions/drain/invocations?Qualifier=live", type: "Event" },
    ]);
  });

  it("tries again where the service refused the event: throttled, or failing", async () => {
    answers = [
      { status: 429, error: "TooManyRequestsException" },
      { status: 500, error: "ServiceException" },
      { status: 503 },
    ];
    expect(await inside(latest, 1)).toBe(null);
    expect(asked).toHaveLength(4);
  });

  it("gives up where the time given ends, and leaves the rest to the schedule", async () => {
    answers = Array.from({ length: 100 }, () => ({ status: 429, error: "TooManyRequestsException" }));

    await expect(inside(latest, 1, {}, 400)).rejects.toThrow();
    expect(asked.length).toBeGreaterThan(1);
    expect(asked.length).toBeLessThan(10);
  });

  it("does not send again what may have been queued: a lost reply, or none in time", async () => {
    answers = ["reset"];
    await expect(inside(latest, 1)).rejects.toMatchObject({ code: "continuation-unknown" });
    answers = ["hang"];
    await expect(inside(latest, 1, {}, 500)).rejects.toMatchObject({ code: "continuation-unknown" });
    expect(asked).toHaveLength(2);
  });

  it("does not try again what cannot help, such as a missing permission", async () => {
    answers = [{ status: 403, error: "AccessDeniedException" }];
    await expect(inside(latest, 1)).rejects.toMatchObject({ code: "continuation-failed" });
    expect(asked).toHaveLength(1);
  });

  it("stops before Lambda's wall unless it knows that the setting is Allow", async () => {
    expect(await inside(latest, 12)).toBe(null);
    expect(await inside(latest, 13)).toMatchObject({ declined: expect.stringContaining("12 hops") });
    expect(await inside(latest, 13, { recursiveLoop: "Allow" })).toBe(null);
    vi.stubEnv("SPILLWAY_RECURSIVE_LOOP", "Allow");
    expect(await inside(latest, 500)).toBe(null);
    expect(await inside(latest, 1_001)).toMatchObject({ declined: expect.stringContaining("1000 hops") });
    expect(await inside(latest, 4, { maxHops: 3 })).toMatchObject({ declined: expect.any(String) });
    expect(asked).toHaveLength(3);
  });

  it("declines, and does not fail, where Lambda itself ends the chain", async () => {
    answers = [{ status: 400, error: "RecursiveInvocationException" }];
    expect(await inside(latest, 1)).toMatchObject({ declined: expect.stringContaining("not Allow") });
  });

  it("says so where it is not inside a function", async () => {
    await expect(lambdaContinuation({ client }).invoke(nextDrain(hopTo(1)))).rejects.toThrow(
      "AWS_LAMBDA_FUNCTION_NAME",
    );
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "drain");
    expect(await lambdaContinuation({ client }).invoke(nextDrain(hopTo(1)))).toBe(null);
  });

  it("reads the recursion setting for a check at deploy time", async () => {
    answers = [
      { status: 200, body: { RecursiveLoop: "Allow" } },
      { status: 200, body: { RecursiveLoop: "Terminate" } },
    ];
    expect(await recursionSetting("drain", { client })).toBe("Allow");
    expect(await recursionSetting("drain", { client })).toBe("Terminate");
    expect(asked[0]?.path).toBe("/2024-08-31/functions/drain/recursion-config");
  });
});
