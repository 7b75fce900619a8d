import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { axeFindings, figure, operateToken, says, useDashboard } from "../support/dashboard.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";
import { until } from "../support/until.ts";

/** That everyone can use the dashboard: on a phone, by the keyboard, in light and dark, with a screen reader. */
const redis = useRedisServer();
const client = useClient(redis, ({ url }) => ioredis({ url }));
const dashboard = useDashboard(client, {
  emails: {
    handler: ({ payload }) => {
      if (payload.startsWith('{"bad"')) throw new TypeError(`No such user: ${payload}`);
    },
    maxAttempts: 1,
    brake: false,
  },
  "a-list-with-a-name-that-is-longer-than-any-phone-is-wide-and-has-no-space-in-it": {
    handler: () => undefined,
  },
});

/** What can be seen, by name; each opens from the page of all lists. */
const views: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  "all lists": async () => undefined,
  "dead letters": (page) => show(page, "emails/dead-letters", /Dead letters/),
  messages: (page) => show(page, "emails/messages", /Messages in/),
  leases: (page) => show(page, "emails/leases", /Leases/),
  "a list with nothing in it": async (page) => {
    await page.getByRole("link", { name: /^a-list/ }).click();
    await says(page.getByRole("main"), "No dead letters");
  },
  "a dead letter": async (page) => {
    await show(page, "emails/dead-letters", /Dead letters/);
    await page.locator("button.open").first().click();
    await page.getByRole("dialog").locator("pre").first().waitFor({ state: "attached" });
    await page.getByText("Stack").click();
  },
  "a question": async (page) => {
    await show(page, "emails/dead-letters", /Dead letters/);
    await page.getByRole("button", { name: "Purge all…" }).click();
    await page.getByRole("dialog").waitFor();
  },
  "the limit": async (page) => {
    await show(page, "emails/dead-letters", /Dead letters/);
    await page.getByRole("button", { name: "Limit…" }).click();
    await page.getByRole("dialog").waitFor();
  },
};

async function show(page: Page, path: string, table: RegExp): Promise<void> {
  await page.goto(`${dashboard.url()}/ui#/${path}`);
  await page.getByRole("table", { name: table }).waitFor();
}

async function fill(): Promise<void> {
  const { emails } = dashboard.spillway().lists;
  await emails?.push(Array.from({ length: 3 }, (_, at) => `{"bad":${at},"text":"${"long ".repeat(60)}"}`));
  await emails?.run();
  await emails?.push(["one", "two"]);
  await redis.door.redis.rpush("{emails}:working:0123456789abcdef.1", "three");
  await redis.door.redis.zadd("{emails}:leases", "1", "0123456789abcdef.1");
}

it.each([
  ["a wide screen", "dark", { width: 1280, height: 800 }],
  ["a wide screen", "light", { width: 1280, height: 800 }],
  ["a phone", "dark", { width: 360, height: 740 }],
  ["a phone", "light", { width: 360, height: 740 }],
] as const)("has no fault that axe knows, on %s, in %s, in any view", async (_, colorScheme, viewport) => {
  await fill();
  const signIn = await dashboard.open({ viewport, colorScheme });
  expect(await axeFindings(signIn)).toEqual([]);
  const page = await dashboard.enter(operateToken, { viewport, colorScheme, reducedMotion: "reduce" });
  for (const [name, open] of Object.entries(views)) {
    await page.goto(`${dashboard.url()}/ui#/`);
    await page.getByRole("heading", { name: "Lists" }).waitFor();
    await open(page);
    expect([name, ...(await axeFindings(page))]).toEqual([name]);
    // Nothing is wider than the screen.
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect([name, over]).toEqual([name, 0]);
    await page.keyboard.press("Escape");
  }
});

it("follows the system's colours, and the reader's own choice before them", async () => {
  await fill();
  const page = await dashboard.enter(operateToken, { colorScheme: "dark" });
  const back = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await back();
  await page.emulateMedia({ colorScheme: "light" });
  const light = await back();
  expect(light).not.toBe(dark);
  await page.getByLabel("Colours").selectOption("Dark");
  await until(async () => (await back()) === dark);
  await page.reload();
  await page.getByRole("table").waitFor();
  expect(await back()).toBe(dark);
});

it("is reached whole by the keyboard, with a focus that can be seen", async () => {
  await fill();
  const page = await dashboard.enter();
  await show(page, "emails/dead-letters", /Dead letters/);
  const wanted = await page
    .locator("a[href], button:enabled, input, select, summary, [tabindex='0']")
    .evaluateAll((found) => found.filter((one) => one.checkVisibility()).length);
  const reached = new Set<string>();
  for (let step = 0; step < wanted + 5; step++) {
    await page.keyboard.press("Tab");
    const seen = await page.evaluate(() => {
      const { activeElement: at } = document;
      if (!at || at === document.body) return null;
      const all = [...document.querySelectorAll("*")];
      const { outlineStyle, outlineWidth } = getComputedStyle(at);
      return { id: String(all.indexOf(at)), isShown: outlineStyle !== "none" && outlineWidth !== "0px" };
    });
    if (!seen) continue;
    expect(seen.isShown).toBe(true);
    reached.add(seen.id);
  }
  expect(reached.size).toBe(wanted);
});

it("keeps the keyboard in a dialog, and gives the focus back where it came from", async () => {
  await fill();
  const page = await dashboard.enter();
  await show(page, "emails/dead-letters", /Dead letters/);
  const opener = page.locator("button.open").nth(1);
  await opener.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Dead letter" });
  await dialog.locator("pre").first().waitFor({ state: "attached" });
  for (let step = 0; step < 15; step++) {
    await page.keyboard.press("Tab");
    const place = await page.evaluate(() => document.activeElement?.closest("dialog, body")?.tagName);
    // From the last one the browser's own controls come next, never what lies behind.
    expect(place === "DIALOG" || place === "BODY").toBe(true);
    expect(
      await page.evaluate(() => document.activeElement?.closest("main section table") ?? null),
    ).toBeNull();
  }
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await until(() => opener.evaluate((button) => button === document.activeElement));

  await page.keyboard.press("Enter");
  await dialog.getByRole("button", { name: "Purge…" }).press("Enter");
  await page
    .getByRole("dialog", { name: "Purge 1 dead letter?" })
    .getByRole("button", { name: "Purge 1" })
    .press("Enter");
  await says(figure(page, "Dead"), /^2$/);
  await until(() => page.evaluate(() => document.activeElement !== document.body));
});

it("moves the focus to the heading where another view comes", async () => {
  await fill();
  const page = await dashboard.enter();
  await page.getByRole("link", { name: "emails" }).press("Enter");
  await until(() =>
    page.getByRole("heading", { name: "emails" }).evaluate((heading) => heading === document.activeElement),
  );
  expect(await page.title()).toBe("emails · Spillway");
});
