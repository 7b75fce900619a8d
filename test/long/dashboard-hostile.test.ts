import { expect, it } from "vitest";
import { ioredis } from "../../adapters/redis/ioredis.ts";
import { readToken, says, useDashboard } from "../support/dashboard.ts";
import { useClient, useRedisServer } from "../support/redis-under-test.ts";

/** That nothing anyone writes into Redis does anything to who looks at it. Whatever runs, or asks another, fails each test. */
const redis = useRedisServer();
const client = useClient(redis, ({ url }) => ioredis({ url }));

const markup = '<img src=x onerror="alert(1)"><script>alert(2)</script><a href="javascript:alert(3)">x</a>';
const hostileLists = [
  markup,
  '"><svg/onload=alert(4)>',
  "#/../..?list=emails&x=%00",
  "{tenant}:a b",
  "\u202egnp.exe",
  "__proto__",
  "constructor",
  "  ",
  "x".repeat(300),
];
const dashboard = useDashboard(
  client,
  Object.fromEntries(
    ["emails", ...hostileLists].map((list) => [
      list,
      {
        handler: ({ payload }) => {
          const error = new Error(`${markup} ${payload.slice(0, 50)}`);
          error.name = "<b>Error</b>\u202e";
          throw error;
        },
        maxAttempts: 1,
        brake: false as const,
      },
    ]),
  ),
);

/** A payload, and what is seen of it. */
const payloads: readonly (readonly [name: string, payload: string | Uint8Array, seen: string | RegExp])[] = [
  ["markup", markup, '<img src=x onerror="alert(1)">'],
  ["markup in JSON", JSON.stringify({ html: markup }), "<script>alert(2)</script>"],
  ["NUL", "a\0b", "aU+0000b"],
  ["marks that turn the writing around", "\u202eevil\u2066", "U+202EevilU+2066"],
  ["no UTF-8", new Uint8Array([0xff, 0xfe, 0x00, 0xc3]), "ff fe 00 c3"],
  ["half of a pair", new Uint8Array([0xed, 0xa0, 0x80]), "ed a0 80"],
  ["nothing", "", "The payload is empty."],
  ["a number that no double holds", "12345678901234567890", "12345678901234567890"],
  ["1 MB of text", "y".repeat(1_048_576), /^y{1000}/],
  ["1 MB of NUL", "\0".repeat(1_048_576), "U+0000U+0000"],
  ["a deep nest", `${"[".repeat(50_000)}${"]".repeat(50_000)}`, "[[[["],
  ["a prototype", '{"__proto__":{"x":1},"constructor":null}', "__proto__"],
  ["a template", "{{constructor.constructor('alert(5)')()}}", "{{constructor"],
];

it.each(payloads)("%s is text: in the list, as a dead letter, and byte by byte", async (_, payload, seen) => {
  const { emails } = dashboard.spillway().lists;
  await emails?.push(payload);
  const page = await dashboard.enter(readToken);
  await page.goto(`${dashboard.url()}/ui#/emails/messages`);
  const row = page.getByRole("table", { name: /Messages in/ }).locator("tbody tr");
  await row.getByRole("button").click();
  const payloadPlace = page.getByRole("dialog").getByRole("region", { name: "Payload" });
  await says(payloadPlace.locator("pre, .empty"), seen);
  await page.keyboard.press("Escape");

  await emails?.run();
  await page.goto(`${dashboard.url()}/ui#/emails/dead-letters`);
  await page
    .getByRole("table", { name: /Dead letters/ })
    .locator("tbody button")
    .first()
    .click();
  const dialog = page.getByRole("dialog", { name: "Dead letter" });
  await says(dialog, "<b>Error</b>U+202E");
  await says(payloadPlace.locator("pre, .empty"), seen);
  const all = payloadPlace.getByRole("button", { name: "Show more" });
  if (await all.isVisible()) {
    await all.click();
    await payloadPlace.getByRole("button", { name: "Show less" }).waitFor();
  }
  await payloadPlace.getByText("Hex", { exact: true }).click();
  if (payload.length > 0) await says(payloadPlace.locator("pre"), /^00000000 /);
  expect(await dialog.locator("img, script, a, svg, b:not(dl b)").count()).toBe(0);
});

it.each(hostileLists.map((list) => [list]))(
  "the list %j is a name, and its page is its own",
  async (list) => {
    const page = await dashboard.enter(readToken);
    await dashboard.spillway().push(list, ["one", "two"]);
    const at = [...hostileLists, "emails"].toSorted((left, right) => left.localeCompare(right)).indexOf(list);
    await page.locator("tbody th a").nth(at).click();
    await says(page.locator(".figures > div b").first(), /^2$/);
    await page.getByRole("link", { name: "messages" }).click();
    await page.getByRole("table", { name: /Messages in/ }).waitFor();
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(new URL(page.url()).pathname).toBe("/ui");
  },
);
