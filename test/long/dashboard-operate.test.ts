import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { figure, operateToken, readToken, says, useDashboard } from "../support/dashboard.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";
import { until } from "../support/until.ts";

/** What an operator does by the dashboard, in a real Chromium, and what became of it in a real Redis. */
const redis = useRedisServer();
const client = useClient(redis, ({ url }) => ioredis({ url }));
const handled: string[] = [];
const dashboard = useDashboard(client, {
  emails: {
    handler: ({ payload }) => {
      if (payload.startsWith('{"bad"')) throw new TypeError("No such user");
      handled.push(payload);
    },
    maxAttempts: 1,
    brake: false,
  },
  images: { handler: ({ payload }) => void handled.push(payload), order: { byKey: "user" } },
  "tenant:*": { handler: () => undefined },
});
const { door } = redis;

/** The page of the list, in which so many messages have died. */
async function openWithDead(count: number, token = operateToken): Promise<Page> {
  const { emails } = dashboard.spillway().lists;
  if (count > 0) await emails?.push(Array.from({ length: count }, (_, at) => `{"bad":${at}}`));
  await emails?.run();
  const page = await dashboard.enter(token);
  await page.goto(`${dashboard.url()}/ui#/emails/dead-letters`);
  await says(figure(page, "Dead"), new RegExp(`^${count}$`));
  return page;
}

const rowsOf = (page: Page) => page.getByRole("table", { name: /Dead letters/ }).locator("tbody tr");
const deadCount = (): Promise<number> => door.redis.llen("{emails}:dead");

it("redrives one dead letter, after it has been asked", async () => {
  const page = await openWithDead(3);
  await rowsOf(page).filter({ hasText: '{"bad":1}' }).getByRole("button").click();
  await page.getByRole("dialog", { name: "Dead letter" }).getByRole("button", { name: "Redrive…" }).click();
  const asked = page.getByRole("dialog", { name: "Redrive 1 dead letter?" });
  await asked.getByRole("button", { name: "Cancel" }).click();
  expect(await deadCount()).toBe(3);
  await page.getByRole("dialog", { name: "Dead letter" }).getByRole("button", { name: "Redrive…" }).click();
  await asked.getByRole("button", { name: "Redrive 1" }).click();
  await says(page.getByRole("status"), "Redriven: 1.");
  expect(await door.waiting("emails")).toEqual(['{"bad":1}']);
  expect(await deadCount()).toBe(2);
  await until(async () => (await rowsOf(page).count()) === 2);
  expect(await page.getByRole("dialog").count()).toBe(0);
});

it("purges one dead letter, and leaves the others", async () => {
  const page = await openWithDead(2);
  await rowsOf(page).filter({ hasText: '{"bad":0}' }).getByRole("button").click();
  await page.getByRole("dialog").getByRole("button", { name: "Purge…" }).click();
  const asked = page.getByRole("dialog", { name: "Purge 1 dead letter?" });
  await says(asked, "There is no way back.");
  await asked.getByRole("button", { name: "Purge 1" }).click();
  await says(page.getByRole("status"), "Purged: 1.");
  expect(await deadCount()).toBe(1);
  expect(await door.waiting("emails")).toEqual([]);
});

it("redrives those that fit a search, and no more than it has counted", async () => {
  const page = await openWithDead(12);
  await page.getByLabel("Text").fill('"bad":1');
  await page.keyboard.press("Enter");
  await until(async () => (await rowsOf(page).count()) === 3);
  await page.getByRole("button", { name: "Redrive these…" }).click();
  const asked = page.getByRole("dialog", { name: "Redrive 3 dead letters?" });
  await says(asked, "Those that fit the search");
  // One more that fits dies while somebody thinks about it.
  await dashboard.spillway().lists.emails?.push('{"bad":17}');
  await dashboard.spillway().lists.emails?.run();
  await asked.getByRole("button", { name: "Redrive 3" }).click();
  await says(page.getByRole("status"), "Redriven: 3.");
  expect((await door.waiting("emails")).toSorted()).toEqual(['{"bad":10}', '{"bad":11}', '{"bad":1}']);
  expect(await deadCount()).toBe(10);
});

it("purges all, and says what the empty page means", async () => {
  const page = await openWithDead(4);
  await page.getByRole("button", { name: "Purge all…" }).click();
  const asked = page.getByRole("dialog", { name: "Purge 4 dead letters?" });
  await asked.waitFor();
  await page.keyboard.press("Escape");
  await asked.waitFor({ state: "detached" });
  expect(await deadCount()).toBe(4);
  await page.getByRole("button", { name: "Purge all…" }).click();
  await asked.getByRole("button", { name: "Purge 4" }).click();
  await says(page.getByRole("main"), "No dead letters: every message has run");
  expect(await deadCount()).toBe(0);
  await until(() => page.getByRole("button", { name: "Purge all…" }).isDisabled());
});

it("pauses a list and resumes it", async () => {
  const page = await openWithDead(0);
  await page.getByRole("button", { name: "Pause…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await says(page.locator(".head"), "Paused");
  await dashboard.spillway().push("emails", '{"ok":2}');
  expect((await dashboard.spillway().lists.emails?.run())?.stopped).toBe("paused");
  await page.getByRole("button", { name: "Resume" }).click();
  await says(page.locator(".head"), "Waiting");
  expect((await dashboard.spillway().lists.emails?.run())?.acked).toBe(1);
});

it("sets a limit, refuses one that is none, and takes it away", async () => {
  const { emails } = dashboard.spillway().lists;
  const page = await openWithDead(0);
  await page.getByRole("button", { name: "Limit…" }).click();
  const dialog = page.getByRole("dialog", { name: "Limit this list" });
  for (const hostile of ["0", "-1", "1e21", "many", ""]) {
    await dialog.getByLabel("Messages").fill(hostile);
    await dialog.getByRole("button", { name: "Set the limit" }).click();
    await says(dialog.getByRole("alert"), /./);
    expect(await emails?.limits.get()).toBeNull();
  }
  await dialog.getByLabel("Messages").fill("20");
  await dialog.getByLabel("in how many seconds").fill("1.5");
  await dialog.getByRole("button", { name: "Set the limit" }).click();
  await says(page.locator(".head"), "20 in 1.5 s");
  expect(await emails?.limits.get()).toEqual({ messages: 20, windowMs: 1_500 });
  await page.getByRole("button", { name: "Limit…" }).click();
  await dialog.getByRole("button", { name: "Take it away" }).click();
  await says(page.getByRole("status"), "There is no limit any more.");
  expect(await emails?.limits.get()).toBeNull();
});

it("shows some of many lists of a pattern, says how many there are beside, and opens each by its name", async () => {
  const names = Array.from({ length: 250 }, (_, at) => `tenant:${String(at).padStart(3, "0")}`);
  await door.redis.hset("{tenant:*}:lists", Object.fromEntries(names.map((name) => [name, ""])));
  const { lists } = await dashboard.spillway().stats();
  const hidden = names.find((name) => !Object.hasOwn(lists, name)) ?? "";
  await door.redis.lpush(hidden, "a", "b");
  const page = await dashboard.enter();
  await says(page.locator("form"), "150 more lists are not shown");
  await page.getByLabel(/Open one by its name/).fill(hidden);
  await page.getByRole("button", { name: "Open" }).click();
  await says(figure(page, "Backlog"), /^2$/);
  await door.redis.lpush(hidden, "c");
  await says(figure(page, "Backlog"), /^3$/);
});

it("shows what each key may have, and leaves it as it is where the rate of all is set", async () => {
  const { images } = dashboard.spillway().lists;
  await images?.limits.set({ perKey: { messages: 5, windowMs: 60_000, inFlight: 2 } });
  for (const token of [readToken, operateToken]) {
    const page = await dashboard.enter(token);
    await page.goto(`${dashboard.url()}/ui#/images/messages`);
    await says(page.locator(".chip"), "5 in 1 min a key");
    await says(page.locator(".chip"), "2 at once a key");
    if (token === readToken) continue;
    await page.getByRole("button", { name: "Limit…" }).click();
    await page.getByRole("button", { name: "Set the limit" }).click();
    await says(page.locator(".chip"), "100 in 1 s");
  }
  expect(await images?.limits.get()).toEqual({
    messages: 100,
    windowMs: 1_000,
    perKey: { messages: 5, windowMs: 60_000, inFlight: 2 },
  });
  await images?.limits.set(null);
});

it("recovers what a dead drain has left, and has another drain begin", async () => {
  await door.redis.rpush("{images}:working:0000000000000000.1", '{"ok":1}');
  await door.redis.zadd("{images}:leases", "1", "0000000000000000.1");
  const page = await dashboard.enter();
  await page.goto(`${dashboard.url()}/ui#/images/leases`);
  await page.getByRole("button", { name: "Recover" }).click();
  await says(page.getByRole("status"), "Messages recovered: 1.");
  await says(figure(page, "Backlog"), /^1$/);
  await page.getByRole("button", { name: "Drain now" }).click();
  await says(page.getByRole("status"), "A drain begins.");
  await until(() => handled.includes('{"ok":1}'));
  await says(figure(page, "Backlog"), /^0$/);
  await figure(page, "Acked/min").waitFor();
});

it("shows nothing that changes anything to a token that only reads, and the API refuses it too", async () => {
  const page = await openWithDead(1, readToken);
  await rowsOf(page).first().getByRole("button").click();
  const buttons = await page.getByRole("button", { includeHidden: true }).allTextContents();
  expect(buttons.filter((text) => /redrive|purge|pause|resume|recover|limit|drain/i.test(text))).toEqual([]);
  const statuses = await page.evaluate(async (token) => {
    const asked = ["pause", "recover", "dead-letters/purge", "dead-letters/redrive"].map((path) =>
      fetch(`/${path}?list=emails`, {
        method: "POST",
        headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
        ...(path.startsWith("dead") && { body: '{"all":true}' }),
      }),
    );
    return (await Promise.all(asked)).map(({ status }) => status);
  }, readToken);
  expect(statuses).toEqual([403, 403, 403, 403]);
  expect(await deadCount()).toBe(1);
});

it("is of no use to another site: no cookie speaks for the operator, and no other origin is let in", async () => {
  const page = await openWithDead(1);
  const foreign = { Origin: "https://evil.example", "Content-Type": "application/json" };
  const url = `${dashboard.url()}/dead-letters/purge?list=emails`;
  const simple = await page.request.post(url, { headers: foreign, data: '{"all":true}' });
  expect(simple.status()).toBe(401);
  const preflight = await page.request.fetch(url, {
    method: "OPTIONS",
    headers: { Origin: "https://evil.example", "Access-Control-Request-Method": "POST" },
  });
  expect(preflight.headers()["access-control-allow-origin"]).toBeUndefined();
  expect(await deadCount()).toBe(1);
});

it("asks for the token again where it is no longer taken", async () => {
  const page = await openWithDead(0);
  await page.evaluate(() => sessionStorage.setItem("spillway-token", "rotated-away"));
  await page.reload();
  await says(page.getByRole("alert"), "A valid bearer token is wanted.");
  await page.getByLabel("Token").fill(operateToken);
  await page.keyboard.press("Enter");
  await says(page.locator("header"), "Live");
});
