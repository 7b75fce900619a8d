import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { runInside } from "../support/command-line-inside.ts";
import { Program } from "../support/program.ts";
import { startRest, testToken } from "../support/redis.ts";
import { useRedisServer } from "../support/redis-under-test.ts";
import { startWorkerd } from "../support/workerd.ts";

const root = new URL("../../", import.meta.url).pathname;
const { door, server } = useRedisServer();

interface Place {
  readonly folder: string;
  readonly redisUrl: string;
}

/** Runs a module in the folder, and gives what it prints. */
async function print(
  { folder, redisUrl }: Place,
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

/** Each template, and how its host runs it once. Add yours. */
const hosts: Readonly<Record<string, (place: Place) => Promise<string>>> = {
  async vercel(place) {
    const request =
      'new Request("https://x/api/drain", { headers: { authorization: "Bearer s3cret-of-cron" } })';
    const code = `const { GET } = await import("./api/drain.ts"); const answer = await GET(${request}); console.log(answer.status, await answer.text());`;
    return print(place, code, { CRON_SECRET: "s3cret-of-cron" });
  },
  async lambda(place) {
    const names = { REDIS_URL_PARAMETER: "/url", REDIS_TOKEN_PARAMETER: "/token" };
    const context =
      '{ functionName: "f", invokedFunctionArn: "arn:aws:lambda:eu-west-1:1:function:f", awsRequestId: "1", getRemainingTimeInMillis: () => 30000 }';
    const code = `const { handler } = await import("./drain.ts"); console.log(JSON.stringify(await handler({ spillway: "tick" }, ${context})));`;
    return withParameters({ "/url": place.redisUrl, "/token": testToken }, (url) =>
      print(place, code, {
        ...names,
        AWS_ENDPOINT_URL_SSM: url,
        AWS_REGION: "eu-west-1",
        AWS_ACCESS_KEY_ID: "AKID",
        AWS_SECRET_ACCESS_KEY: "none",
      }),
    );
  },
  async worker({ folder, redisUrl }) {
    const { outputFiles } = await build({
      entryPoints: [join(folder, "worker.ts")],
      bundle: true,
      write: false,
      format: "esm",
      target: "es2023",
      conditions: ["workerd", "worker", "browser"],
      external: ["node:async_hooks"],
    });
    const workerd = await startWorkerd({ redisUrl, list: "mail", script: outputFiles[0]?.text ?? "" });
    const answer = await workerd.request("/drain");
    const text = await answer.text();
    await workerd.log((line) => line.startsWith("Handled "));
    await workerd.stop();
    return text;
  },
  async node({ folder, redisUrl }) {
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
  },
};

describe("spillway init writes a drain that runs", () => {
  it.each(Object.keys(hosts))("on %s", async (name) => {
    const folder = await mkdtemp(join(tmpdir(), "spillway-init-"));
    expect(await runInside(["init", folder, "--template", name, "--list", "mail"])).toMatchObject({
      code: 0,
    });
    await mkdir(join(folder, "node_modules"));
    await symlink(root, join(folder, "node_modules/spillway"));
    const rest = await startRest(server());
    await door.redis.lpush("mail", "m");
    expect(await hosts[name]?.({ folder, redisUrl: rest.url })).toMatch(/"acked":1\b/);
    expect(await door.redis.llen("mail")).toBe(0);
    await rest.close();
    await rm(folder, { recursive: true });
  });
});

describe("spillway init", () => {
  it("touches no file that is there", async () => {
    const folder = await mkdtemp(join(tmpdir(), "spillway-init-"));
    await runInside(["init", folder, "--template", "node"]);
    const again = await runInside(["init", folder, "--template", "worker"]);
    expect(again).toMatchObject({ code: 2, stdout: "" });
    expect(again.stderr).toContain("handler.ts");
    await rm(folder, { recursive: true });
  });
});
