/** `npm run docs:images` takes the pictures of docs/dashboard.md, of a dashboard over the embedded store. */
import { mkdir, stat } from "node:fs/promises";
import type { Page } from "playwright-core";
import { startServer } from "../adapters/hosts/node/server.ts";
import { operations } from "../adapters/http/index.ts";
import { memory } from "../adapters/local/memory.ts";
import { dashboard } from "../adapters/ui/index.ts";
import { createSpillway } from "../src/index.ts";
import { openChromium } from "../test/support/chromium.ts";

const folder = new URL("../docs/images/", import.meta.url).pathname;
const bytesMax = 150_000;
const token = "for-pictures-only";

/** What goes wrong in the pictures' mail server. */
const failures = [
  new TypeError("Cannot read properties of undefined (reading 'address')"),
  new Error("421 Service not available, closing transmission channel"),
];
let sent = 0;
const send = async (): Promise<void> => {
  await pause(40);
  sent += 1;
  if (sent % 29 === 0) throw failures[(sent / 29) % failures.length];
};
const spillway = createSpillway({
  redis: memory(),
  lists: {
    emails: { handler: send, maxAttempts: 1, concurrency: 4, batchSize: 20 },
    images: { handler: () => pause(60), concurrency: 2, batchSize: 10 },
    "invoices:eu": { handler: () => undefined },
    webhooks: { handler: () => Promise.reject(new Error("connect ECONNREFUSED")), brake: { after: 3 } },
    audit: { handler: () => undefined },
  },
});
const { emails, images, webhooks, audit } = spillway.lists;
await webhooks?.push(numbered(40, (hook) => ({ hook })));
await webhooks?.run();
await audit?.push(numbered(3, (line) => ({ line })));
await audit?.pause();
await images?.push(
  numbered(12, (image) => ({ image })),
  { delayMs: 600_000 },
);
await emails?.limits.set({ messages: 100, windowMs: 1_000 });

const server = await startServer(spillway, {
  port: 0,
  tokens: [{ token, scopes: ["operate"] }],
  routes: [operations(), dashboard()],
  onReport: () => undefined,
  graceMs: 1_000,
});
const ended = new AbortController();
const producing = (async () => {
  for (let round = 0; !ended.signal.aborted; round++) {
    await emails?.push(
      numbered(60 + 50 * Math.round(1 + Math.sin(round / 3)), (id) => ({
        id: round * 1_000 + id,
        to: `user${id}@example.com`,
        template: "welcome",
      })),
    );
    await images?.push(numbered(8, (image) => ({ image: `${round}-${image}.png`, width: 1_024 })));
    await pause(1_000);
  }
})();
const draining = (async () => {
  while (!ended.signal.aborted) await server.tick();
})();

const browser = await openChromium();
await mkdir(folder, { recursive: true });
const list = await open("light", 1_280, 760, "#/emails/dead-letters");
const lists = await open("light", 1_280, 420, "#/");
const phone = await open("dark", 360, 720, "#/emails/dead-letters");
// So much of the past is on the plots.
await pause(45_000);
await take(lists, "lists");
await take(list, "list");
await take(phone, "phone");
const letter = await open("dark", 1_280, 760, "#/emails/dead-letters");
await letter.locator("button.open").first().click();
await letter.getByRole("dialog").locator("pre").last().waitFor();
await take(letter, "dead-letter");

await browser.close();
ended.abort();
await server.stop();
await Promise.all([producing, draining]);
process.exit(0);

async function open(
  colorScheme: "light" | "dark",
  width: number,
  height: number,
  hash: string,
): Promise<Page> {
  const context = await browser.newContext({
    colorScheme,
    viewport: { width, height },
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  await page.goto(`${server.url}/ui`);
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
  await page.getByRole("table").waitFor();
  await page.goto(`${server.url}/ui${hash}`);
  await page.getByRole("table").first().waitFor();
  return page;
}

async function take(page: Page, name: string): Promise<void> {
  const path = `${folder}dashboard-${name}.png`;
  await page.screenshot({ path });
  const { size } = await stat(path);
  if (size > bytesMax) throw new Error(`${path} has ${size} bytes, more than ${bytesMax}.`);
  console.log(`${path}: ${size} bytes`);
}

function numbered<Message>(count: number, make: (at: number) => Message): Message[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
