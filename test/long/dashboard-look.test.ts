import { expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import type { Message } from "../../src/index.ts";
import { figure, operateToken, readToken, says, useDashboard } from "../support/dashboard.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";

/** What the dashboard shows, by a real Chromium over a real Redis. */
const redis = useRedisServer();
const client = useClient(redis, ({ url }) => ioredis({ url }));
const gate = closedGate();
const dashboard = useDashboard(client, {
  emails: {
    handler: ({ value }: Message) => {
      throw new TypeError(`No user of ${JSON.stringify(value)}`);
    },
    maxAttempts: 1,
    brake: false,
  },
  images: { handler: () => gate.opened },
  orders: {
    handler: () => gate.opened,
    order: { byKey: "customer" },
    batchSize: 1,
    maxConcurrency: 2,
  },
  hooks: { handler: () => Promise.reject(new Error("down")), brake: { after: 3 } },
});

/** What handlers wait at until it is opened. */
function closedGate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

it("asks for the token, says what is wrong with another, and keeps it in this tab alone", async () => {
  const page = await dashboard.open();
  for (const [token, said] of [
    ["", "Type in the token first."],
    ["wrong", "A valid bearer token is wanted."],
    ["ünfit\u0007", "A token has letters, digits and signs only."],
    ["pushes-0123456789", "This token does not open the dashboard"],
  ] as const) {
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Open the dashboard" }).click();
    await says(page.getByRole("alert"), said);
  }
  const urls: string[] = [];
  page.on("request", (request) => urls.push(request.url()));
  await page.getByLabel("Token").fill(operateToken);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "emails" }).waitFor();

  expect(urls.filter((url) => url.includes(operateToken))).toEqual([]);
  expect(page.url()).not.toContain(operateToken);
  expect(await page.context().cookies()).toEqual([]);
  expect(await page.evaluate(() => JSON.stringify({ ...localStorage }))).not.toContain(operateToken);

  await page.reload();
  await page.getByRole("link", { name: "emails" }).waitFor();
  const elsewhere = await page.context().newPage();
  await elsewhere.goto(page.url());
  await elsewhere.getByLabel("Token").waitFor();

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Token").waitFor();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

it("follows all lists as they change, without being asked again", async () => {
  const page = await dashboard.enter(readToken);
  const row = (list: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name: list }) });
  await says(row("emails"), "Idle");
  await says(page.locator("header"), "Live");
  await says(page.locator("header"), "Read only");

  await dashboard.spillway().push("emails", ["one", "two", "three"]);
  await says(row("emails").getByRole("cell").first(), /^3$/);
  await says(row("emails"), "Waiting");
  await dashboard.spillway().lists.emails?.pause();
  await says(row("emails"), "Paused");
  await dashboard.spillway().push("hooks", ["1", "2", "3", "4"]);
  await dashboard.spillway().lists.hooks?.run();
  await says(row("hooks"), "Braked");

  await page.getByRole("button", { name: "Backlog" }).click();
  expect(await page.locator("tbody th a").allTextContents()).toEqual(["hooks", "emails", "images", "orders"]);
  expect(await page.locator("th[aria-sort]").textContent()).toContain("Backlog");
});

it("says when it is cut off, and goes on by itself when the server is back", async () => {
  const page = await dashboard.enter(readToken);
  await says(page.locator("header"), "Live");
  await dashboard.stop();
  await says(page.locator("header"), "Not connected");
  await says(page.getByRole("main"), "The server does not answer.");
  await dashboard.spillway().push("emails", ["meanwhile"]);
  await dashboard.start();
  await says(page.locator("header"), "Live");
  await says(page.getByRole("row").filter({ hasText: "emails" }).getByRole("cell").first(), /^1$/);
});

it("shows one list: its figures, its messages wherever they wait, and draws them over time", async () => {
  const { emails } = dashboard.spillway().lists;
  await emails?.push(["first", '{"id":7,"to":"a@example.com"}', "last"]);
  await emails?.push("later", { delayMs: 3_600_000 });
  const page = await dashboard.enter(readToken);
  await page.getByRole("link", { name: "emails" }).click();
  await page.getByRole("heading", { name: "emails" }).waitFor();
  await says(figure(page, "Backlog"), /^3$/);
  await says(figure(page, "Delayed"), /^1$/);
  await says(page.locator(".figures"), "next in 59 min");
  await page.getByRole("img", { name: /^Now: Backlog 3; In flight 0; Delayed 1;/ }).waitFor();
  expect(
    await page.locator("canvas").evaluate((canvas) => (canvas as HTMLCanvasElement).width),
  ).toBeGreaterThan(500);

  await page.getByRole("link", { name: "Messages" }).click();
  const rows = page.getByRole("table", { name: /Messages in/ }).getByRole("row");
  await says(rows.nth(1), "first");
  await page.getByLabel("First").selectOption("the newest");
  await says(rows.nth(1), "last");
  await page.getByLabel("Where").selectOption({ label: "Delayed (1)" });
  await says(rows.nth(1), "later");
  await says(rows.nth(1), "in 59 min");

  await page.goBack();
  await page.getByLabel("Text").waitFor();
});

it("shows who holds messages, how many, until when, and what has ended", async () => {
  await dashboard.spillway().push("images", ["a", "b"]);
  const running = dashboard.spillway().lists.images?.run({ budgetMs: 60_000 });
  const page = await dashboard.enter(readToken);
  await page.goto(`${dashboard.url()}/ui#/images/leases`);
  await says(figure(page, "In flight"), /^2$/);
  const row = page.getByRole("table", { name: "Leases of the list" }).getByRole("row").nth(1);
  await says(row, /ends in \d+ (s|min)/);
  expect(await row.getByRole("rowheader").textContent()).toMatch(/^[0-9a-f]{16}$/);
  await redis.door.expireLeases("images");
  await says(row, "ended");
  await says(page.getByRole("main"), "the next drain returns their messages");
  gate.open();
  await running;
  await says(page.getByRole("main"), "No drain holds a message.");
});

it("shows messages that wait for others of their key, and how many keys have such", async () => {
  Object.assign(gate, closedGate());
  await dashboard.spillway().push(
    "orders",
    [1, 2, 3].map((at) => JSON.stringify({ customer: "c7", at })),
  );
  const { orders } = dashboard.spillway().lists;
  const running = Promise.all([orders?.run({ budgetMs: 60_000 }), orders?.run({ budgetMs: 60_000 })]);
  const page = await dashboard.enter(readToken);
  await page.goto(`${dashboard.url()}/ui#/orders/messages`);
  await says(figure(page, "Parked"), /^2$/);
  await says(page.locator(".figures"), "1 key");
  await page.getByLabel("Where").selectOption({ label: "Parked by key (2)" });
  const rows = page.getByRole("table", { name: /Messages in/ }).locator("tbody tr");
  await says(rows.nth(0), '"at":2');
  const keys = await rows.locator("td:nth-child(2)").allTextContents();
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
  gate.open();
  await running;
});

it("shows dead letters: searched by text, reason and error, each with why, where and what", async () => {
  const { emails } = dashboard.spillway().lists;
  await emails?.push([...Array.from({ length: 60 }, (_, at) => `{"bad":${at}}`), "{bad json"]);
  await emails?.run();
  const page = await dashboard.enter(readToken);
  await page.goto(`${dashboard.url()}/ui#/emails/dead-letters`);
  const rows = page.getByRole("table", { name: /Dead letters/ }).locator("tbody tr");
  await rows.nth(49).waitFor();
  expect(await rows.count()).toBe(50);
  await page.getByRole("button", { name: "Show more" }).click();
  await rows.nth(60).waitFor();

  await page.getByLabel("Text").fill('"bad":41');
  await page.keyboard.press("Enter");
  await says(rows.nth(0), '{"bad":41}');
  expect(await rows.count()).toBe(1);
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByLabel("Reason").fill("undecodable");
  await page.getByRole("button", { name: "Search" }).click();
  await says(rows.nth(0), "undecodable");
  expect(await rows.count()).toBe(1);
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByLabel("Error", { exact: true }).fill("RangeError");
  await page.getByLabel("Died").selectOption("in the last hour");
  await page.getByRole("button", { name: "Search" }).click();
  await says(page.getByRole("main"), "No dead letter fits.");

  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByLabel("Text").fill('"bad":7');
  await page.keyboard.press("Enter");
  await rows.nth(0).getByRole("button").click();
  const dialog = page.getByRole("dialog", { name: "Dead letter" });
  await says(dialog, "TypeError: No user of");
  await dialog.getByText("Stack").click();
  await says(dialog, "dashboard-look.test.ts");
  await says(dialog.locator("pre").last(), '"bad": 7');
  await dialog.getByText("Hex", { exact: true }).click();
  await says(dialog, "7b 22 62 61 64 22 3a 37 7d");
  await dialog.getByText("Text", { exact: true }).click();
  await says(dialog, '{"bad":7}');
});
