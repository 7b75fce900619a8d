import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { root } from "./project.ts";

/** A registry that knows our package as if it were published. */
export interface Registry {
  readonly url: string;
  close(): void;
}

/** Serves the tarball under the package's name, and sends whoever asks for another package on to the registry of this machine. */
export async function startRegistry(tarball: string, upstream: string): Promise<Registry> {
  const bytes = readFileSync(tarball);
  const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  const { name, version } = manifest;
  const server = createServer((request, response) => {
    const { host } = request.headers;
    if (request.url === `/${name}.tgz`) return response.end(bytes);
    if (request.url !== `/${name}`) {
      response.writeHead(302, { location: new URL(request.url ?? "/", upstream).href });
      return response.end();
    }
    const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    const dist = { tarball: `http://${host}/${name}.tgz`, integrity };
    const versions = { [version]: { ...manifest, dist } };
    response.setHeader("content-type", "application/json");
    return response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
