import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { promisify } from "node:util";

const root = new URL("../../", import.meta.url).pathname;
const built = join(root, "docs/.vitepress/dist");
const types: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
};

/** Builds the documentation site as a contributor does. */
export async function buildSite(): Promise<void> {
  await promisify(execFile)("npm", ["run", "--silent", "site"], { cwd: root, maxBuffer: 16 * 1024 * 1024 });
}

export interface ServedSite {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves what was built as a static host does: `/faq` is `faq.html`, and what is not there is `404.html` with that status. */
export async function serveSite(): Promise<ServedSite> {
  const server = createServer(async ({ url = "/" }, response) => {
    const path = normalize(decodeURIComponent(new URL(url, "http://site").pathname));
    for (const file of [path.endsWith("/") ? `${path}index.html` : path, `${path}.html`]) {
      const body = await readFile(join(built, file)).catch(() => undefined);
      if (body === undefined) continue;
      response
        .writeHead(200, { "Content-Type": types[extname(file)] ?? "application/octet-stream" })
        .end(body);
      return;
    }
    response.writeHead(404, { "Content-Type": "text/html" }).end(await readFile(join(built, "404.html")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
