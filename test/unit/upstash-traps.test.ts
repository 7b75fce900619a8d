import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Redis } from "@upstash/redis";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { upstash } from "../../adapters/redis/upstash.ts";
import { upstash as upstashByFetch } from "../../adapters/redis/upstash-fetch.ts";
import { OptionError, type RedisClient, RedisReplyError, RedisTransportError } from "../../src/index.ts";

const token = "secret-token";
const secretPayload = "payload-that-must-not-be-logged";

interface Seen {
  method: string | undefined;
  path: string | undefined;
  headers: IncomingMessage["headers"];
  body: string;
}

describe("the Upstash client's traps", () => {
  let server: Server;
  let url: string;
  let seen: Seen[];
  let answer: (response: ServerResponse, request: Seen) => void;

  beforeEach(async () => {
    seen = [];
    server = createServer(async (incoming, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk);
      const { method, url: path, headers } = incoming;
      const request = { method, path, headers, body: Buffer.concat(chunks).toString() };
      seen.push(request);
      answer(response, request);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });

  const json =
    (body: unknown, status = 200) =>
    (response: ServerResponse) =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  const reset = (response: ServerResponse): void => void response.socket?.destroy();

  /** Every way a user's own instance may be set up that would be unsafe for a queue. */
  const instances: [string, () => RedisClient][] = [
    ["from url and token", () => upstash({ url, token })],
    ["by fetch alone", () => upstashByFetch({ url, token })],
    ["by fetch alone, from an instance", () => upstashByFetch(new Redis({ url, token }))],
    ["from an instance with defaults", () => upstash(new Redis({ url, token }))],
    ["from an instance with retry: false", () => upstash(new Redis({ url, token, retry: false }))],
    [
      "from an instance with ten retries",
      () => upstash({ redis: new Redis({ url, token, retry: { retries: 10, backoff: () => 1 } }) }),
    ],
    [
      "from an instance with an aborted signal",
      () => upstash(new Redis({ url, token, signal: AbortSignal.abort() })),
    ],
    [
      "from an instance without base64, with deserialisation and auto-pipelining",
      () =>
        upstash(
          new Redis({
            url,
            token,
            responseEncoding: false,
            automaticDeserialization: true,
            enableAutoPipelining: true,
          }),
        ),
    ],
  ];

  describe.each(instances)("%s", (_, make) => {
    it("sends RPOPLPUSH, for which the library has no method, as one POST of a JSON array", async () => {
      answer = json({ result: btoa("m") });
      expect(await make().command(["RPOPLPUSH", "a", "b"])).toBe("m");
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({ method: "POST", path: "/", body: '["RPOPLPUSH","a","b"]' });
      expect(seen[0]?.headers).toMatchObject({
        authorization: `Bearer ${token}`,
        "upstash-encoding": "base64",
      });
    });

    it("sends exactly once when the connection is reset", async () => {
      answer = reset;
      await expect(make().command(["RPOPLPUSH", "a", "b"])).rejects.toThrow(RedisTransportError);
      expect(seen).toHaveLength(1);
    });

    it("never takes a request that was given up for an empty list", async () => {
      answer = () => undefined;
      await expect(make().command(["RPOPLPUSH", "a", "b"], { timeoutMs: 30 })).rejects.toThrow(
        /No reply within 30 ms/,
      );
    });

    it("does not rewrite payloads", async () => {
      const payloads = [
        "1.0",
        '{"b":1, "a":2}',
        "12345678901234567890",
        "null",
        "",
        '"q"',
        "\xff\xfe\0",
        "w2",
        "OK",
      ];
      answer = json({ result: payloads.map((payload) => (payload === "OK" ? "OK" : btoa(payload))) });
      expect(await make().command(["LRANGE", "q", 0, -1])).toEqual(payloads);
    });

    it("keeps the results of a pipeline in which a command failed", async () => {
      answer = json([{ result: btoa("claimed") }, { error: "WRONGTYPE wrong" }, { result: null }]);
      const replies = await make().pipeline([
        ["RPOPLPUSH", "a", "b"],
        ["GET", "a"],
        ["RPOP", "c"],
      ]);
      expect(replies[0]).toBe("claimed");
      expect(replies[1]).toBeInstanceOf(RedisReplyError);
      expect(replies[2]).toBeNull();
    });
  });

  it.each<[string, unknown, number, string]>([
    ["a command error", { error: "WRONGTYPE Operation" }, 400, "WRONGTYPE"],
    ["a full database", { error: "OOM command not allowed" }, 400, "OOM"],
  ])("gives %s by its prefix, without the command", async (_case, body, status, prefix) => {
    answer = json(body, status);
    const error = await upstash({ url, token })
      .command(["SET", "k", secretPayload])
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RedisReplyError);
    expect((error as RedisReplyError).prefix).toBe(prefix);
    expect(inspected(error)).not.toContain(secretPayload);
  });

  it.each<[string, () => void, boolean]>([
    [
      "a wrong token",
      () => (answer = json({ error: "WRONGPASS invalid or missing auth token" }, 401)),
      false,
    ],
    [
      "too many requests",
      () => {
        answer = json({ error: "Too Many Requests" }, 429);
      },
      true,
    ],
    [
      "a server's own failure",
      () => {
        answer = json({ error: `Internal error: ${secretPayload}` }, 500);
      },
      true,
    ],
    [
      "a gateway's page",
      () => (answer = (response) => void response.writeHead(502).end(`<html>${secretPayload}`)),
      true,
    ],
    ["a body cut short", () => (answer = (response) => void response.end('{"result":"')), true],
    ["a reset connection", () => (answer = reset), true],
  ])(
    "tells of %s without payload or token, and whether to try again",
    async (_case, prepare, isRetryable) => {
      prepare();
      const error = await upstash({ url, token })
        .command(["SET", "k", secretPayload])
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RedisTransportError);
      expect((error as RedisTransportError).isRetryable).toBe(isRetryable);
      expect(inspected(error)).not.toContain(secretPayload);
      expect(inspected(error)).not.toContain(token);
    },
  );

  it("refuses an answer that is not in base64, or has no result, rather than pass on garbage", async () => {
    answer = json({ result: "plain text!" });
    await expect(upstash({ url, token }).command(["GET", "k"])).rejects.toThrow(/base64/);
    answer = json({});
    await expect(upstash({ url, token }).command(["GET", "k"])).rejects.toThrow(/no reply of Redis/);
    answer = json([{}]);
    await expect(upstash({ url, token }).pipeline([["GET", "k"]])).rejects.toThrow(
      /neither a result nor an error/,
    );
    answer = (response) => void response.end(`{"result":${"[".repeat(100_000)}${"]".repeat(100_000)}}`);
    await expect(upstash({ url, token }).command(["GET", "k"])).rejects.toThrow(/nested deeper than 32/);
    answer = json([{ result: 1 }]);
    await expect(upstash({ url, token }).pipeline([["PING"], ["PING"]])).rejects.toThrow(/as many results/);
  });

  it.each<[string, unknown]>([
    ["url", { url: "redis://x", token }],
    ["url", { token }],
    ["token", { url: "https://x.test", token: "" }],
    ["token", { url: "https://x.test" }],
    ["requestTimeoutMs", { url: "https://x.test", token, requestTimeoutMs: 0 }],
  ])("refuses a bad %s at construction, and never shows a token", (option, bad) => {
    expect(() => upstash(bad as { url: string; token: string })).toThrow(OptionError);
    expect(() => upstash(bad as { url: string; token: string })).toThrow(expect.objectContaining({ option }));
  });
});

/** All that a log might print of an error. */
function inspected(error: unknown): string {
  const seen: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause)
    seen.push(at.message, at.stack ?? "", JSON.stringify(at));
  return seen.join("\n");
}
