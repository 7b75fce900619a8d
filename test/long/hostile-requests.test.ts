import { request as httpRequest } from "node:http";
import { expect, it, onTestFinished, vi } from "vitest";
import { startServer } from "../../adapters/hosts/node/server.ts";
import {
  expectRefusal,
  type HostileRequest,
  hostileRequests,
  targetOfRequests,
} from "../support/hostile-requests.ts";

const atOnce = 8;
/** What is larger may be on its way when the answer is there, and its connection is cut. */
const largeBytes = 1_000_000;

it("10,000 requests over a socket that are forged, replayed, malformed or too large get nowhere, and learn nothing", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
  onTestFinished(() => logged.mockRestore());
  const { drain, options, door, hopTo } = await targetOfRequests();
  const { budgetMs: _, ...given } = options;
  const server = await startServer(drain, { ...given, port: 0, stopsBySignal: false } as never);
  onTestFinished(() => server.stop());
  /** By Node's own client, which sends paths and methods as they are. Null where the server cuts a body that is too large. */
  const send = ({ method, path, headers, body }: HostileRequest): Promise<Response | null> =>
    new Promise((resolve, reject) => {
      // Node's client says no length with a DELETE.
      const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
      // A connection each: one that is cut must be no other's.
      const asked = { method, path, headers: { ...headers, ...length }, agent: false };
      const sending = httpRequest(server.url, asked, (answer) => {
        const parts: Uint8Array<ArrayBuffer>[] = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("error", reject);
        answer.on("end", () =>
          resolve(
            new Response(new Blob(parts), {
              status: answer.statusCode as number,
              headers: answer.headers as Record<string, string>,
            }),
          ),
        );
      });
      sending.on("error", (error) => ((body?.length ?? 0) > largeBytes ? resolve(null) : reject(error)));
      sending.end(body);
    });

  const replayed = await hopTo(server.url);
  expect((await send(replayed))?.status).toBe(202);
  const before = await door.everything();
  const asked = hostileRequests(10_000, 2, replayed);
  let count = 0;
  let cutCount = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const one of asked) {
        const answer = await send(one);
        if (answer) await expectRefusal(one, answer);
        else cutCount += 1;
        count += 1;
      }
    }),
  );
  expect(count).toBe(10_000);
  expect(cutCount).toBeLessThan(2_000);
  expect(await door.everything()).toEqual(before);
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  expect(logged).not.toHaveBeenCalled();
});
