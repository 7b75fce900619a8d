import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { type NodeServer, startServer } from "../../adapters/hosts/node/server.ts";
import { operations } from "../../adapters/http/index.ts";
import { dashboard } from "../../adapters/ui/index.ts";
import { createSpillway, type RedisClient, type Spillway, type SpillwayOptions } from "../../src/index.ts";
import { openChromium } from "./chromium.ts";

export const operateToken = "operates-0123456789";
export const readToken = "reads-0123456789";
const tokens = [
  { token: operateToken, scopes: ["operate"] },
  { token: readToken, scopes: ["read"] },
  { token: "pushes-0123456789", scopes: ["push"] },
] as const;

/** A served dashboard, and a browser to look at it with. */
export interface DashboardUnderTest {
  spillway(): Spillway;
  url(): string;
  /** A page that is open at the question for the token. What goes wrong in it fails the test. */
  open(options?: BrowserContextOptions): Promise<Page>;
  /** The same behind the question. */
  enter(token?: string, options?: BrowserContextOptions): Promise<Page>;
  /** Stops the server, and starts it at the same place. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Serves these lists with their dashboard for a test file. Pages are closed after each test, and are looked at for faults. */
export function useDashboard(client: () => RedisClient, lists: SpillwayOptions["lists"]): DashboardUnderTest {
  let browser: Browser;
  let server: NodeServer;
  let spillway: Spillway;
  let faults: string[] = [];
  const start = async (port = 0): Promise<void> => {
    server = await startServer(spillway, {
      port,
      tokens,
      routes: [operations(), dashboard()],
      stopsBySignal: false,
      graceMs: 500,
      onReport: () => undefined,
    });
  };

  beforeAll(async () => {
    spillway = createSpillway({ redis: client(), lists });
    [browser] = await Promise.all([openChromium(), start()]);
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    expect(faults).toEqual([]);
    faults = [];
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  const open = async (options: BrowserContextOptions = {}): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    watch(page, server.url, faults);
    await page.goto(`${server.url}/ui`);
    return page;
  };
  return {
    spillway: () => spillway,
    url: () => server.url,
    open,
    async enter(token = operateToken, options) {
      const page = await open(options);
      await page.getByLabel("Token").fill(token);
      await page.getByRole("button", { name: "Open the dashboard" }).click();
      await page.getByRole("heading", { name: "Lists" }).waitFor();
      await page.getByRole("table").waitFor();
      return page;
    },
    stop: () => server.stop(),
    start: () => start(server.port),
  };
}

/** Notes what no page may do: fail, ask anyone else, break its policy, let a payload run. */
export function watch(page: Page, url: string, faults: string[]): void {
  page.on("pageerror", (error) => faults.push(`The page failed: ${error.stack}`));
  page.on("dialog", (dialog) => {
    faults.push(`A payload ran: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("data:"))
      faults.push(`It asked another: ${request.url()}`);
  });
  page.on("console", (message) => {
    // A browser notes each answer that is not 2xx, which tests bring about.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      faults.push(`The browser said: ${message.text()}`);
  });
}

/** A figure of the list that the page shows, as it is written there. */
export function figure(page: Page, name: string): Locator {
  return page.locator(".figures > div", { has: page.getByText(name, { exact: true }) }).locator("b");
}

/** Waits until the place says so. */
export async function says(place: Locator, text: string | RegExp): Promise<void> {
  await place.filter({ hasText: text }).first().waitFor();
}

/** What a screen reader would find wrong, each with what it is about. */
export async function axeFindings(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}
