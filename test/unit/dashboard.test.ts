import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bundlePage } from "../../.ci/bundle-page.ts";
import { createHttpApp } from "../../adapters/http/index.ts";
import { memory } from "../../adapters/local/memory.ts";
import { dashboard } from "../../adapters/ui/index.ts";
import {
  showAgo,
  showBytes,
  showChange,
  showCount,
  showMoment,
  showSpan,
} from "../../adapters/ui/page/format.ts";
import { asHex, asJson, partsOf } from "../../adapters/ui/page/payload-forms.ts";
import { hrefOf, readRoute, wellFormed } from "../../adapters/ui/page/route.ts";
import { createDrain } from "../../src/index.ts";

const drain = createDrain({ redis: memory(), list: "emails", handler: () => undefined });
const app = createHttpApp(drain, { routes: [dashboard()] });

describe("the dashboard's files", () => {
  it("are less than 60 KB gzipped in all, and name no other place", async () => {
    const files = Object.values(await bundlePage());
    const bytes = files.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0);
    expect(bytes).toBeLessThan(60_000);
    const places = files.flatMap((text) => text.match(/https?:\/\/[^"'`\s)]+/g) ?? []);
    expect(places.filter((place) => !place.startsWith("http://www.w3.org/"))).toEqual([]);
  });

  it.each(["/ui", "/ui/page.js", "/ui/page.css"])(
    "%s is open to all, under a strict policy",
    async (path) => {
      const answer = await app.request(path);
      expect(answer.status).toBe(200);
      const policy = answer.headers.get("content-security-policy");
      expect(policy?.split("; ")).toEqual(
        expect.arrayContaining([
          "default-src 'none'",
          "script-src 'self'",
          "style-src 'self'",
          "connect-src 'self'",
          "base-uri 'none'",
          "form-action 'none'",
          "frame-ancestors 'none'",
        ]),
      );
      expect(policy).not.toMatch(/unsafe|\*|http/);
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("set-cookie")).toBeNull();
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    },
  );

  it("have no script and no style within the page itself", async () => {
    const { html } = await bundlePage();
    expect(html).not.toMatch(/<style|style=|\son\w+=|javascript:/i);
    expect(html.match(/<script[^>]*>/g)).toEqual(['<script type="module" src="ui/page.js">']);
  });

  it("are not there where nobody has given the dashboard", async () => {
    expect((await createHttpApp(drain).request("/ui")).status).toBe(404);
  });
});

describe("a payload", () => {
  it.each([
    ['{"b":1, "a":2}', '{\n  "b": 1,\n  "a": 2\n}'],
    ["1.50", "1.5"],
    ["12345678901234567890", "12345678901234567890"],
    ["", null],
    ["{bad", null],
    ["[".repeat(60_000), null],
    [`${"[".repeat(2_000)}${"]".repeat(2_000)}`, `${"[".repeat(2_000)}${"]".repeat(2_000)}`],
    ['"[[[[\\"]"', '"[[[[\\"]"'],
  ])("is shown as JSON where it is some, and never larger than it is worth", (text, shown) => {
    expect(asJson(text)).toBe(shown);
  });

  it.each([
    ["plain text\nand a tab\t", ["plain text\nand a tab\t"]],
    ["a\0b", ["a", "U+0000", "b"]],
    ["\u202egnp.exe", ["", "U+202E", "gnp.exe"]],
    ["\ud83d\ude00 \ud83d", ["\ud83d\ude00 ", "U+D83D", ""]],
    ["  ", ["", "U+0020", "", "U+0020", ""]],
    ["\u200b\ufeff", ["", "U+200B", "", "U+FEFF", ""]],
  ])("%j shows what nobody would see by its code", (text, parts) => {
    expect(partsOf(text)).toEqual(parts);
  });

  it("of nothing but unseen characters becomes no page of as many parts", () => {
    const parts = partsOf("\0".repeat(200_000));
    expect(parts.length).toBeLessThan(5_000);
    expect(parts.at(-1)).toMatch(/^·+$/);
  });

  it("is shown byte by byte", () => {
    expect(asHex(new TextEncoder().encode("hello, spillway\u0000!"))).toBe(
      "00000000  68 65 6c 6c 6f 2c 20 73 70 69 6c 6c 77 61 79 00  hello, spillway.\n" +
        "00000010  21                                               !",
    );
  });
});

it.each(["emails", "{tenant}:a/b?c#d", "100%", "<img src=x onerror=alert(1)>", "\u202e", "a\ud800"])(
  "the list %j has an address that leads back to it",
  (list) => {
    expect(readRoute(hrefOf(list, "leases"))).toEqual({ list: wellFormed(list), view: "leases" });
  },
);

it.each(["", "#", "#/", "#/%E0%A4%A/x", "#//", "#x/y/z/w"])("the address %j leads somewhere", (hash) => {
  expect(["dead letters", "messages", "leases"]).toContain(readRoute(hash).view);
});

it.each([
  [showCount(1_234), "1,234"],
  [showCount(1_234_567), "1.2M"],
  [showCount(1e21), "1,000,000,000T"],
  [showChange(0.2), "steady"],
  [showChange(-1_200), "−1,200/min"],
  [showSpan(999), "999 ms"],
  [showSpan(61_000), "1 min 1 s"],
  [showSpan(90_061_000), "1 d 1 h"],
  [showSpan(-5), "0 ms"],
  [showAgo(400), "just now"],
  [showBytes(1_048_576), "1.0 MiB"],
  [showMoment(Number.NaN), "not known"],
  [showMoment(1e21), "not known"],
  [showMoment(0), "not known"],
])("%s is what a reader gets", (shown, wanted) => {
  expect(shown).toBe(wanted);
});
