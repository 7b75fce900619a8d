import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openChromium } from "../support/chromium.ts";
import { figure, operateToken, says, watch } from "../support/dashboard.ts";
import { bundleFunction } from "../support/lambda/bundle.ts";
import { startLambda } from "../support/lambda/emulator.ts";
import { testToken } from "../support/redis.ts";
import { useRestServer } from "../support/redis-under-test.ts";
import { until } from "../support/until.ts";
import { bundleForWorkerd, startWorkerd } from "../support/workerd.ts";
import { useWorld } from "../workerd/world.ts";

/** The built package, as a user's Worker imports it. */
const worker = `
import { cloudflareHandler } from "./dist/cloudflare.js";
import { operations } from "./dist/http.js";
import { createDrain } from "./dist/index.js";
import { dashboard } from "./dist/ui.js";
import { upstash } from "./dist/upstash-fetch.js";

const { DrainChain, ...handlers } = cloudflareHandler(
  (env) => (more) =>
    createDrain({
      redis: upstash({ url: env.UPSTASH_REDIS_REST_URL, token: env.UPSTASH_REDIS_REST_TOKEN }),
      list: env.LIST,
      maxAttempts: 1,
      handler: ({ payload }) => {
        if (payload.startsWith("bad")) throw new Error("smtp down");
      },
      ...more,
    }),
  {
    routes: [operations(), dashboard()],
    tokens: (env) => [{ token: env.SPILLWAY_TOKEN, scopes: ["operate"] }],
  },
);
export { DrainChain };
export default handlers;
`;

let browser: Browser;
beforeAll(async () => {
  browser = await openChromium();
});
afterAll(() => browser?.close());

/** The dashboard at that address, behind its token. What goes wrong in the page fails the test. */
async function open(url: string, token: string): Promise<Page> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults: string[] = [];
  watch(page, new URL(url).origin, faults);
  onTestFinished(() => expect(faults).toEqual([]));
  await page.goto(url);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Open the dashboard" }).click();
  await page.getByRole("table").getByText("mail").waitFor();
  await page.goto(`${url}#/mail/dead-letters`);
  return page;
}

/** Returns the one dead letter that is named to its list, confirmed. */
async function redrive(page: Page, payload: string): Promise<void> {
  const rows = page.getByRole("table", { name: /Dead letters/ }).locator("tbody tr");
  await rows.filter({ hasText: payload }).getByRole("button").click();
  await page.getByRole("dialog").getByRole("button", { name: "Redrive…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Redrive 1" }).click();
  await says(page.getByRole("status"), "Redriven: 1.");
}

describe("the dashboard of a Worker, in workerd,", () => {
  const world = useWorld();

  it("shows a list as it is, and redrives its dead letters", async () => {
    const script = await bundleForWorkerd({
      stdin: { contents: worker, resolveDir: process.cwd(), loader: "js" },
    });
    const workerd = await startWorkerd({
      redisUrl: world.rest.url,
      list: "mail",
      script,
    });
    onTestFinished(() => workerd.stop());
    await world.push(3, "mail", "bad");
    expect((await workerd.request("/drain")).status).toBe(200);
    await world.push(2, "mail", "good");

    const page = await open(workerd.url.replace(/drain$/, "ui"), testToken);
    await says(figure(page, "Backlog"), /^2$/);
    await says(figure(page, "Dead"), /^3$/);
    await redrive(page, "bad1");
    expect(await world.side.waiting("mail")).toEqual(["good0", "good1", "bad1"]);
  });
});

describe("the dashboard of a Lambda function, at its URL,", () => {
  const redis = useRestServer();

  it("shows a list as it is, redrives a dead letter, and asks again where no answer can stay open", async () => {
    const lambda = await startLambda();
    onTestFinished(() => lambda.stop());
    const entry = fileURLToPath(new URL("../support/lambda/functions/dashboard.ts", import.meta.url));
    const bundle = await bundleFunction(entry);
    onTestFinished(() => bundle.remove());
    lambda.create({
      name: "drain",
      file: bundle.file,
      timeoutMs: 30_000,
      environment: {
        REDIS_URL: redis.server().url,
        REDIS_TOKEN: testToken,
        LIST: "mail",
        OPERATE_TOKEN: operateToken,
      },
    });
    await redis.door.redis.lpush("mail", "bad1", "bad2");
    await lambda.invoke("drain", { spillway: "tick" });
    await redis.door.redis.lpush("mail", "good1");

    const page = await open(`${lambda.functionUrl("drain")}/ui`, operateToken);
    await says(figure(page, "Backlog"), /^1$/);
    await says(figure(page, "Dead"), /^2$/);
    await redrive(page, "bad1");
    expect(await redis.door.waiting("mail")).toEqual(["good1", "bad1"]);
    // What others do is seen too, though each answer is one event and ends.
    await redis.door.redis.lpush("mail", "good2");
    await says(figure(page, "Backlog"), /^3$/);
    const told = () =>
      lambda.invocations.filter(({ event }) => (event as { rawPath?: string }).rawPath === "/events");
    // The page may have seen it in an answer to something else.
    await until(() => told().length > 1);
    await page.context().close();
    await lambda.idle();
    for (const { result } of told()) {
      const { statusCode, body } = result as { statusCode: number; body: string };
      expect(statusCode).toBe(200);
      // As binary as any type that Lambda is not told of as text.
      expect(
        Buffer.from(body, "base64")
          .toString()
          .match(/^event: lists$/gm),
      ).toHaveLength(1);
    }
  });
});
