import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { openChromium } from "../support/chromium.ts";
import { axeFindings, watch } from "../support/dashboard.ts";
import { buildSite, type ServedSite, serveSite } from "../support/site.ts";

/** The documentation site as `npm run site` builds it, in a real Chromium. */
let site: ServedSite;
let browser: Browser;
let faults: string[] = [];

beforeAll(async () => {
  await buildSite();
  [site, browser] = await Promise.all([serveSite(), openChromium()]);
});
afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  expect(faults).toEqual([]);
  faults = [];
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

/** A page whose errors, and whose requests to anywhere else, fail the test. */
async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  watch(page, site.url, faults);
  page.on("response", (answer) => {
    if (answer.status() >= 400) faults.push(`${answer.status()} for ${answer.url()}, on ${page.url()}`);
  });
  return page;
}

/** What a page points to within the site, the anchors it has, and how far it reaches to the right. */
interface Seen {
  readonly links: string[];
  readonly ids: string[];
  readonly overhang: number;
  readonly title: string;
}

async function look(page: Page, path: string): Promise<Seen> {
  await page.goto(`${site.url}${path}`, { waitUntil: "load" });
  return page.evaluate(() => ({
    links: [...document.querySelectorAll<HTMLAnchorElement>("a[href]")]
      .map((link) => link.href)
      .filter((href) => href.startsWith(location.origin))
      .map((href) => href.slice(location.origin.length)),
    ids: [...document.querySelectorAll("[id]")].map(({ id }) => id),
    overhang: document.documentElement.scrollWidth - innerWidth,
    title: document.title,
  }));
}

it("leads from its first page to every other one: no broken link or anchor, and none is wider than a phone of 360 px", async () => {
  const page = await open({ viewport: { width: 360, height: 780 } });
  const seen = new Map<string, Seen>();
  const paths = new Set(["/"]);
  for (const path of paths) {
    const found = await look(page, path);
    seen.set(path, found);
    for (const link of found.links) paths.add(link.replace(/#.*/, ""));
  }

  const withoutTarget = [...seen].flatMap(([path, { links }]) =>
    links
      .filter((link) => {
        const [target = "", anchor = ""] = link.split("#");
        return anchor !== "" && !seen.get(target)?.ids.includes(decodeURIComponent(anchor));
      })
      .map((link) => `${link}, on ${path}`),
  );
  expect(withoutTarget).toEqual([]);
  expect([...seen].filter(([, { overhang }]) => overhang > 0).map(([path]) => path)).toEqual([]);
  expect([...seen].filter(([, { title }]) => !title.includes("Spillway")).map(([path]) => path)).toEqual([]);
  for (const path of ["/faq", "/concepts/lease", "/start/lambda", "/reference/spillway", "/project/examples"])
    expect([...seen.keys()]).toContain(path);
});

it("finds a word by the keyboard alone, without asking a service", async () => {
  const page = await open();
  await page.goto(site.url, { waitUntil: "networkidle" });
  // Before its program runs, a page does not hear keys.
  await page.waitForFunction(() => "__vue_app__" in (document.querySelector("#app") ?? {}));
  await page.keyboard.press("Control+k");
  await page.locator("#localsearch-input:focus").waitFor();
  await page.keyboard.type("poison");
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/guarantees|reliability|retries|faq/);
  await page
    .getByText(/poison/i)
    .first()
    .waitFor();
});

it("turns dark and light by the keyboard, and remembers it", async () => {
  const page = await open({ colorScheme: "light" });
  await page.goto(`${site.url}/concepts/lease`, { waitUntil: "networkidle" });
  const shown = (): Promise<(string | null)[]> =>
    page
      .locator(".diagram img")
      .evaluateAll((images) =>
        images
          .filter((image) => (image as HTMLElement).offsetParent !== null)
          .map(({ className }) => className),
      );
  expect(new Set(await shown())).toEqual(new Set(["in-light"]));

  await page.getByRole("switch").first().focus();
  await page.keyboard.press("Enter");
  await page.locator("html.dark").waitFor();
  await page.reload({ waitUntil: "load" });
  await page.locator("html.dark").waitFor();
  expect(new Set(await shown())).toEqual(new Set(["in-dark"]));
});

it("shows each diagram as a picture of the theme, with words for who cannot see it", async () => {
  const page = await open();
  await page.goto(`${site.url}/concepts/message`, { waitUntil: "networkidle" });
  const pictures = page.locator(".diagram img.in-light");
  expect(await pictures.count()).toBe(2);
  for (const picture of await pictures.all()) {
    await picture.scrollIntoViewIfNeeded();
    await expect
      .poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth))
      .toBeGreaterThan(200);
    expect(await picture.getAttribute("alt")).toMatch(/\w+ \w+ \w+/);
  }
});

it.each([
  ["the home page", "/", "light"],
  ["the home page", "/", "dark"],
  ["a concept", "/concepts/brake", "light"],
  ["a guide", "/retries", "dark"],
  ["a table of options", "/options", "light"],
  ["the reference", "/reference/spillway/lambda", "dark"],
  ["the questions", "/faq", "light"],
] as const)(
  "%s (%s) can be used with a screen reader, and is of enough contrast in %s",
  async (_, path, colorScheme) => {
    const page = await open({ colorScheme });
    await page.goto(`${site.url}${path}`, { waitUntil: "networkidle" });
    expect(await axeFindings(page)).toEqual([]);
  },
);
