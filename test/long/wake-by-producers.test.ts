import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { startServer } from "../../adapters/hosts/node/server.ts";
import { upstash } from "../../adapters/redis/upstash.ts";
import { createDrain, type Handler } from "../../src/index.ts";
import { moment } from "../support/moment.ts";
import { testToken } from "../support/redis.ts";
import { useRestServer } from "../support/redis-under-test.ts";

const run = promisify(execFile);
const wakeToken = "the-token-of-producers";

describe("producers in other languages", () => {
  const served = useRestServer();

  /** A box that drains `emails` when it is woken, and at no other time. */
  async function serve(handler: Handler<unknown>, onReport: () => void = () => undefined) {
    const drain = createDrain({
      redis: upstash({ url: served.server().url, token: testToken }),
      list: "emails",
      codec: { decode: (bytes) => bytes },
      handler,
    });
    const server = await startServer(drain, { wakeToken, port: 0, onReport });
    onTestFinished(() => server.stop());
    return server;
  }

  it("start one drain by 1,000 pushes, each with a call, and all messages are handled", async () => {
    const answered = moment();
    const all = moment();
    let handled = 0;
    const server = await serve(async () => {
      // It is live until the last call has been answered.
      await answered.came;
      handled += 1;
      if (handled === 1_000) all.come();
    });
    let woken = 0;
    const push = async (at: number): Promise<void> => {
      await served.door.redis.lpush("emails", `m${at}`);
      const headers = { authorization: `Bearer ${wakeToken}` };
      const response = await fetch(`${server.url}/wake`, { method: "POST", headers });
      if (((await response.json()) as { woken: boolean }).woken) woken += 1;
    };
    await Promise.all(
      Array.from({ length: 20 }, async (_, lane) => {
        for (let at = lane; at < 1_000; at += 20) await push(at);
      }),
    );
    expect(woken).toBe(1);
    answered.come();
    await all.came;
    expect(handled).toBe(1_000);
  });

  it.each([
    ["sh", ["sh", "-c"]],
    ["python", ["python3", "-c"]],
  ])(
    "that are written as docs/wake.md shows wake by a push to an empty list: %s",
    async (language, [program = "", flag = ""]) => {
      if (
        !(await run(program, ["-c", ""]).then(
          () => true,
          () => false,
        ))
      )
        return;
      const page = await readFile(new URL("../../docs/wake.md", import.meta.url), "utf8");
      const text = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "s").exec(page)?.[1] ?? "";
      const seen: string[] = [];
      const ended = moment();
      const server = await serve(({ payload }) => void seen.push(payload), ended.come);
      const produce = (payload: string) =>
        run(program, [flag, text], {
          env: {
            PATH: process.env.PATH ?? "",
            HOME: process.env.HOME ?? "",
            UPSTASH_REDIS_REST_URL: served.server().url,
            UPSTASH_REDIS_REST_TOKEN: testToken,
            SPILLWAY_URL: server.url,
            SPILLWAY_WAKE_TOKEN: wakeToken,
            PAYLOAD: payload,
          },
        });
      await produce("a b");
      await ended.came;
      expect(seen).toEqual(["a b"]);
      // Not alone: whoever pushed the first has called, or a drain is at work.
      await served.door.redis.lpush("emails", "waits");
      await produce("c");
      expect(await served.door.redis.llen("emails")).toBe(2);
    },
  );
});
