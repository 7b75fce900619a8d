import { expect, it, onTestFinished } from "vitest";
import { memoryNonces, signedContinuation, signedReceiver } from "../../adapters/continue/signed/index.ts";
import { cloudflareHandler } from "../../adapters/hosts/cloudflare/index.ts";
import { fetchHandler } from "../../adapters/hosts/fetch/index.ts";
import { lambdaHandler } from "../../adapters/hosts/lambda/index.ts";
import { startServer, startWorker } from "../../adapters/hosts/node/server.ts";
import { createHttpApp } from "../../adapters/http/app.ts";
import { memory } from "../../adapters/local/memory.ts";
import { createSpillway, type DrainReport, type Spillway } from "../../src/index.ts";
import { startFetchHost } from "../support/fetch-host.ts";
import { moment } from "../support/moment.ts";
import { measureTimeScale } from "../support/time-scale.ts";

const scaled = measureTimeScale();
const token = "a-token";
const headers = { authorization: `Bearer ${token}` };

async function twoLists(): Promise<Spillway> {
  const handler = () => undefined;
  const spillway = createSpillway({ redis: memory(), lists: { a: { handler }, b: { handler } } });
  for (const list of ["a", "b"]) await spillway.push(list, ["1", "2"]);
  return spillway;
}

const both = { acked: 4, lists: { a: { acked: 2 }, b: { acked: 2 } } };
const post = (path: string) => new Request(`https://drain.example${path}`, { method: "POST", headers });

it("createHttpApp, fetchHandler and Lambda run several lists as they run a drain", async () => {
  const app = createHttpApp(await twoLists(), { token });
  expect(await (await app.fetch(post("/drain"))).json()).toMatchObject(both);
  const handle = fetchHandler(await twoLists(), { token, onReport: () => undefined });
  expect(await (await handle(post("/drain"))).json()).toMatchObject(both);
  const context = {
    awsRequestId: "r",
    functionName: "f",
    invokedFunctionArn: "arn:aws:lambda:eu-central-1:1:function:f",
    getRemainingTimeInMillis: () => 10_000,
  };
  const lambda = lambdaHandler(await twoLists(), { log: () => undefined });
  expect(await lambda({ spillway: "tick" }, context)).toMatchObject(both);
});

it("a Node server and a worker run several lists", async () => {
  const server = await startServer(await twoLists(), { port: 0, onReport: () => undefined });
  onTestFinished(() => server.stop());
  expect(await server.tick()).toMatchObject(both);
  const ended = moment();
  const reports: DrainReport[] = [];
  const worker = startWorker(await twoLists(), {
    onReport: (report) => {
      reports.push(report);
      ended.come();
    },
  });
  onTestFinished(() => worker.stop());
  await ended.came;
  expect(reports[0]).toMatchObject(both);
});

it("a Worker makes several lists of its env and its continuation", async () => {
  const reports: DrainReport[] = [];
  const redis = memory();
  const made = (more: object) =>
    createSpillway({
      redis,
      lists: { a: { handler: () => undefined }, b: { handler: () => undefined } },
      ...more,
    });
  for (const list of ["a", "b"]) await made({}).push(list, ["1", "2"]);
  const handlers = cloudflareHandler(() => made, {
    continuation: null,
    onReport: (report) => reports.push(report),
  });
  await handlers.scheduled(null, {});
  expect(reports).toMatchObject([both]);
});

it("a chain of signed hops goes on with all lists until they are empty", async () => {
  const redis = memory();
  const keys = ["0123456789abcdef0123456789abcdef"];
  let url = "";
  const handled = { a: 0, b: 0 };
  const slow = (list: "a" | "b") => async () => {
    await new Promise((resolve) => setTimeout(resolve, scaled(10)));
    handled[list] += 1;
  };
  const continuation = {
    name: "signed",
    invoke: (next: Parameters<ReturnType<typeof signedContinuation>["invoke"]>[0]) =>
      signedContinuation({ url: `${url}/drain`, keys }).invoke(next),
  };
  const spillway = createSpillway({
    redis,
    continuation,
    lists: { a: { handler: slow("a"), batchSize: 10 }, b: { handler: slow("b"), batchSize: 10 } },
  });
  const hops: number[] = [];
  const host = await startFetchHost(
    fetchHandler(spillway, {
      receiveHop: signedReceiver({ keys, nonces: memoryNonces() }),
      budgetMs: scaled(250),
      onReport: (_report, { hop }) => hops.push(hop),
    }),
  );
  onTestFinished(() => host.close());
  url = host.url;
  // A process that has just started may have no time for even one message.
  for (const list of ["a", "b"]) await spillway.push(list, "warm", { wake: false });
  expect(await spillway.run()).toMatchObject({ acked: 2 });
  Object.assign(handled, { a: 0, b: 0 });
  const payloads = Array.from({ length: 300 }, (_, at) => `${at}`);
  await spillway.push("a", payloads, { wake: false });
  expect(await spillway.push("b", payloads)).toMatchObject({ woken: true });
  await host.idle();
  expect(handled).toEqual({ a: 300, b: 300 });
  expect(hops.length).toBeGreaterThan(1);
  expect(hops).toEqual(hops.map((_, at) => at + 1));
});
