import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openChromium } from "../support/chromium.ts";
import { figure, says } from "../support/dashboard.ts";
import { testToken } from "../support/redis.ts";
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

describe("the dashboard of a Worker, in workerd,", () => {
  const world = useWorld();
  let browser: Browser;
  beforeAll(async () => {
    browser = await openChromium();
  });
  afterAll(() => browser?.close());

  async function open(url: string): Promise<Page> {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(String(error)));
    onTestFinished(() => expect(faults).toEqual([]));
    await page.goto(url);
    await page.getByLabel("Token").fill(testToken);
    await page.getByRole("button", { name: "Open the dashboard" }).click();
    return page;
  }

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

    const page = await open(workerd.url.replace(/drain$/, "ui"));
    await page.getByRole("table").getByText("mail").waitFor();
    await page.goto(workerd.url.replace(/drain$/, "ui#/mail/dead-letters"));
    await says(figure(page, "Backlog"), /^2$/);
    await says(figure(page, "Dead"), /^3$/);
    const rows = page.getByRole("table", { name: /Dead letters/ }).locator("tbody tr");
    await rows.filter({ hasText: "bad1" }).getByRole("button").click();
    await page.getByRole("dialog").getByRole("button", { name: "Redrive…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Redrive 1" }).click();
    await says(page.getByRole("status"), "Redriven: 1.");
    expect(await world.side.waiting("mail")).toEqual(["good0", "good1", "bad1"]);
  });
});
