import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import { Program } from "./program.ts";
import { testToken } from "./redis.ts";
import { startWorkerd } from "./workerd.ts";

/** A drain that `spillway init` wrote, and the Redis whose list it is to drain once. */
export interface TemplatePlace {
  readonly folder: string;
  readonly redisUrl: string;
  readonly list: string;
}

/** Runs a module in the folder, and gives what it prints. */
async function print(
  { folder, redisUrl }: TemplatePlace,
  code: string,
  more: Record<string, string> = {},
): Promise<string> {
  const environment = { UPSTASH_REDIS_REST_URL: redisUrl, UPSTASH_REDIS_REST_TOKEN: testToken, ...more };
  const program = new Program(process.execPath, ["--input-type=module", "-e", code], { folder, environment });
  await program.ended;
  return program.output;
}

/** The SSM Parameter Store, as the AWS SDK asks it. */
async function withParameters<Result>(
  values: Readonly<Record<string, string>>,
  work: (url: string) => Promise<Result>,
): Promise<Result> {
  const api = createServer((_, response) => {
    const Parameters = Object.entries(values).map(([Name, Value]) => ({ Name, Value }));
    response.setHeader("content-type", "application/x-amz-json-1.1");
    response.end(JSON.stringify({ Parameters }));
  });
  await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
  try {
    return await work(`http://127.0.0.1:${(api.address() as AddressInfo).port}`);
  } finally {
    api.closeAllConnections();
    api.close();
  }
}

/** The function, called by Vercel's schedule. */
export function drainOnVercel(place: TemplatePlace): Promise<string> {
  const request =
    'new Request("https://x/api/drain", { headers: { authorization: "Bearer s3cret-of-cron" } })';
  const code = `const { GET } = await import("./api/drain.ts"); const answer = await GET(${request}); console.log(answer.status, await answer.text());`;
  return print(place, code, { CRON_SECRET: "s3cret-of-cron" });
}

/** The function's module, invoked by its schedule, with its secrets in the Parameter Store. */
export function drainOnLambda(place: TemplatePlace, module: string): Promise<string> {
  const names = { REDIS_URL_PARAMETER: "/url", REDIS_TOKEN_PARAMETER: "/token" };
  const context =
    '{ functionName: "f", invokedFunctionArn: "arn:aws:lambda:eu-west-1:1:function:f", awsRequestId: "1", getRemainingTimeInMillis: () => 30000 }';
  const code = `const { handler } = await import("${module}"); console.log(JSON.stringify(await handler({ spillway: "tick" }, ${context})));`;
  return withParameters({ "/url": place.redisUrl, "/token": testToken }, (url) =>
    print(place, code, {
      ...names,
      AWS_ENDPOINT_URL_SSM: url,
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "AKID",
      AWS_SECRET_ACCESS_KEY: "none",
    }),
  );
}

/** The bundled Worker in workerd, called over HTTP. */
export async function drainOnWorkers({ redisUrl, list }: TemplatePlace, script: string): Promise<string> {
  const workerd = await startWorkerd({ redisUrl, list, script });
  const answer = await workerd.request("/drain");
  const text = await answer.text();
  await workerd.log((line) => line.startsWith("Handled "));
  await workerd.stop();
  return text;
}

/** The server, called over HTTP, and then ended by SIGTERM. */
export async function drainOnNode({ folder, redisUrl }: TemplatePlace): Promise<string> {
  const environment = {
    UPSTASH_REDIS_REST_URL: redisUrl,
    UPSTASH_REDIS_REST_TOKEN: testToken,
    DRAIN_TOKEN: "drain-t0ken",
    PORT: "0",
  };
  const program = new Program(process.execPath, ["server.ts"], { folder, environment });
  const [, url = ""] = await program.printed(/POST (http:\S+)\/drain/);
  const headers = { authorization: "Bearer drain-t0ken" };
  const text = await (await fetch(`${url}/drain`, { method: "POST", headers })).text();
  program.signal("SIGTERM");
  expect((await program.ended).code).toBe(0);
  return text;
}
