import { expect, it, onTestFinished, vi } from "vitest";
import { createHttpApp } from "../../adapters/http/index.ts";
import { plainApp } from "../../adapters/http/plain-app.ts";
import { countWrongTokens } from "../../adapters/http/tokens.ts";
import { expectRefusal, hostileRequests, targetOfRequests } from "../support/hostile-requests.ts";

/** 10,000 of them go over a socket in `test/long/hostile-requests.test.ts`. */
it.each(["with Hono, as on Node", "without Hono, as on Workers"])(
  "requests that are forged, replayed, malformed or too large get nowhere, and learn nothing: an app %s",
  async (name) => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    onTestFinished(() => logged.mockRestore());
    const { drain, options, door, hopTo, sentCount } = await targetOfRequests();
    const replayed = await hopTo("https://drain.example");
    const app = createHttpApp(drain, options);
    const plain = plainApp(drain, options, countWrongTokens());
    const send = (request: Request): Response | Promise<Response> =>
      name.startsWith("with Hono") ? app.fetch(request) : plain({ request, waitUntil: undefined });
    const requestOf = ({ method, path, headers, body }: typeof replayed): Request =>
      new Request(`https://drain.example${path}`, { method, headers, ...(body !== undefined && { body }) });

    expect((await send(requestOf(replayed))).status).toBe(200);
    const before = await door.everything();
    for (const asked of hostileRequests(200, 1, replayed)) {
      const sent = sentCount();
      await expectRefusal(asked, await send(requestOf(asked)));
      if (asked.isForged) expect([asked.path, sentCount()]).toEqual([asked.path, sent]);
    }
    expect(await door.everything()).toEqual(before);
    expect(logged).not.toHaveBeenCalled();
  },
);
