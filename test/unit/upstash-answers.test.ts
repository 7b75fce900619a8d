import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { upstash } from "../../adapters/redis/upstash.ts";
import { upstash as upstashByFetch } from "../../adapters/redis/upstash-fetch.ts";

const token = "secret-token";
const payload = "payload-nobody-may-read";
const redisError = JSON.stringify({ error: "ERR value is not an integer or out of range" });
const page = `<html><body><h1>Sorry</h1>${payload}</body></html>`;

/** What an answer must be taken for. A transport error may or may not be worth repeating. */
type Verdict = "reply" | "redis-reply" | "redis-protocol" | "repeat" | "give up";

/** A status, a body, and the verdict on it for a command and for a pipeline of two. */
const answers: [status: number, body: string, verdict: Verdict, verdictOnPipeline?: Verdict][] = [
  [200, JSON.stringify({ result: 1 }), "reply", "redis-protocol"],
  [200, JSON.stringify([{ result: 1 }, { result: 2 }]), "redis-protocol", "reply"],
  [200, JSON.stringify([{ result: 1 }]), "redis-protocol", "redis-protocol"],
  [200, redisError, "redis-reply"],
  [200, page, "repeat"],
  [200, "", "repeat"],
  [200, '{"result":"', "repeat"],
  [204, "", "repeat"],
  [301, "", "give up"],
  [302, page, "give up"],
  [307, redisError, "give up"],
  [308, "", "give up"],
  [400, redisError, "redis-reply"],
  [400, JSON.stringify({ error: "Bad request" }), "repeat"],
  [400, page, "repeat"],
  [400, '{"error":"ERR value is no', "repeat"],
  [401, JSON.stringify({ error: "WRONGPASS invalid or missing auth token" }), "give up"],
  [401, redisError, "give up"],
  [401, page, "give up"],
  [401, "", "give up"],
  [403, page, "give up"],
  [403, JSON.stringify({ error: "NOPERM No permissions to access a key" }), "redis-reply"],
  [404, page, "give up"],
  [405, redisError, "give up"],
  [408, "", "repeat"],
  [413, page, "give up"],
  [413, redisError, "give up"],
  [429, redisError, "repeat"],
  [429, JSON.stringify({ error: "Too Many Requests" }), "repeat"],
  [429, JSON.stringify({ result: 1 }), "repeat"],
  ...[500, 502, 503, 504, 520].flatMap((status): [number, string, Verdict][] => [
    [status, redisError, "repeat"],
    [status, JSON.stringify({ error: "NOSCRIPT No matching script." }), "repeat"],
    [status, JSON.stringify({ error: `Internal error: ${payload}` }), "repeat"],
    [status, JSON.stringify({ result: 1 }), "repeat"],
    [status, JSON.stringify([{ result: 1 }, { result: 2 }]), "repeat"],
    [status, page, "repeat"],
    [status, '{"error":"ERR', "repeat"],
    [status, "null", "repeat"],
    [status, "", "repeat"],
  ]),
];

describe.each([
  ["upstash", upstash],
  ["upstash by fetch alone", upstashByFetch],
])("%s takes the answer", (_client, open) => {
  let server: Server;
  let url: string;
  let answer: (response: ServerResponse) => void;
  let requestCount = 0;

  beforeAll(async () => {
    server = createServer((_, response) => {
      requestCount += 1;
      answer(response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });

  it.each(answers)("%i %s for a command: %s", async (status, body, verdict, onPipeline = verdict) => {
    answer = (response) => {
      response.writeHead(status, { "content-type": "application/json", location: `${url}/elsewhere` });
      response.end(body);
    };
    const client = open({ url, token });
    requestCount = 0;
    const seen = [
      await outcome(client.command(["SET", "key", payload])),
      await outcome(client.pipeline([["SET", "key", payload], ["PING"]])),
    ];
    expect(seen.map((one) => one.verdict)).toEqual([verdict, onPipeline]);
    // Sent once each: neither repeated here nor sent on to where a redirect leads.
    expect(requestCount).toBe(2);
    for (const { error } of seen) {
      expect(`${error?.stack}${JSON.stringify(error)}`).not.toContain(payload);
      expect(`${error?.stack}${JSON.stringify(error)}`).not.toContain(token);
      if (error?.code === "redis-transport") expect(error).toMatchObject({ status });
    }
  });
});

type Thrown = Error & { code?: string; isRetryable?: boolean };

async function outcome(reply: Promise<unknown>): Promise<{ verdict: unknown; error?: Thrown }> {
  try {
    await reply;
    return { verdict: "reply" };
  } catch (thrown) {
    const error = thrown as Thrown;
    const verdict =
      error.code === "redis-transport" ? (error.isRetryable ? "repeat" : "give up") : error.code;
    return { verdict, error };
  }
}
