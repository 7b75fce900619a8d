/**
 * Whatever carries a hop, each host takes the same ones and refuses the same ones. The rows are run against every receiver:
 * a new host or continuation is one more entry of `receivers`, a new trick one more row.
 */
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { qstashReceiver } from "../../adapters/continue/qstash/index.ts";
import { memoryNonces, signedReceiver, signRequest } from "../../adapters/continue/signed/index.ts";
import {
  type CloudflareHandlerOptions,
  cloudflareHandler,
  serviceBindingContinuation,
} from "../../adapters/hosts/cloudflare/index.ts";
import { fetchHandler } from "../../adapters/hosts/fetch/index.ts";
import { lambdaHandler } from "../../adapters/hosts/lambda/index.ts";
import { startServer } from "../../adapters/hosts/node/server.ts";
import { memory } from "../../adapters/local/memory.ts";
import {
  type ChainPosition,
  ContinuationError,
  type Drain,
  type DrainReport,
  type ReceiveHop,
  readHop,
  readHopText,
  writeHop,
} from "../../src/index.ts";
import { nextDrain } from "../support/continuation.ts";
import { deliverySignature } from "../support/qstash-server.ts";

const good = { list: "mail", chainId: "c", hop: 3 };
const longest = {
  list: "l".repeat(1_000),
  chainId: "c".repeat(200),
  hop: 1_000_000_000,
  paceUs: 86_400_000_000,
};

const hostile: [string, unknown][] = [
  ["nothing", null],
  ["a number", 7],
  ["a text", "mail"],
  ["a list", [good]],
  ["an empty object", {}],
  ["a hop without a list", { chainId: "c", hop: 3 }],
  ["a list that is no text", { ...good, list: 1 }],
  ["a list without a name", { ...good, list: "" }],
  ["a list with too long a name", { ...good, list: "l".repeat(1_001) }],
  ["a hop without a chain", { list: "mail", hop: 3 }],
  ["a chain that is no text", { ...good, chainId: { id: "c" } }],
  ["a chain without an id", { ...good, chainId: "" }],
  ["a chain with too long an id", { ...good, chainId: "c".repeat(5_000) }],
  ["a chain with a line break in its id", { ...good, chainId: "c\r\nx: y" }],
  ["a chain with a NUL in its id", { ...good, chainId: "c\u0000" }],
  ["a chain with a C1 control in its id", { ...good, chainId: "c\u0085" }],
  ["no hop", { list: "mail", chainId: "c" }],
  ["hop 0", { ...good, hop: 0 }],
  ["hop -7", { ...good, hop: -7 }],
  ["half a hop", { ...good, hop: 1.5 }],
  ["a hop in words", { ...good, hop: "3" }],
  ["a hop past the bound", { ...good, hop: 1_000_000_001 }],
  ["a hop past all whole numbers", { ...good, hop: 1e21 }],
  ["a pace in words", { ...good, paceUs: "10" }],
  ["a pace below nothing", { ...good, paceUs: -1 }],
  ["half a pace", { ...good, paceUs: 0.5 }],
  ["a pace that is no number", { ...good, paceUs: Number.NaN }],
  ["a pace of more than a day", { ...good, paceUs: 86_400_000_001 }],
  ["no pace, in so many words", { ...good, paceUs: null }],
  ["fields that only its prototype has", { __proto__: null, toString: "mail" }],
];

const key = "the-key-of-this-deployment-0123456789";
const token = "a-token";
const url = "https://drain.example/drain";
const signingKey = "sig_current";

/** Places in their chains of the drains that were begun. */
let begun: (ChainPosition | undefined)[] = [];
const report = { claimed: 0, stopped: "empty", error: null } as DrainReport;
const drain = {
  list: "mail",
  run: async (options) => {
    begun.push(options?.chain);
    return report;
  },
} as Drain;
const drainOfEnv = () => ({ redis: memory(), list: "mail", handler: () => undefined });
const told: Pick<CloudflareHandlerOptions<object>, "onReport" | "token"> = {
  token: () => token,
  onReport: (_report, { chain }) => begun.push(chain),
};

type Proof = (body: string, isProven: boolean) => Promise<Record<string, string>>;
const signed: Proof = (body, isProven) =>
  signRequest({ method: "POST", url, body }, { key: isProven ? key : `${key}-another` });
const byQstash: Proof = async (body, isProven) => ({
  "upstash-signature": deliverySignature({ destination: url, body, key: isProven ? signingKey : "another" }),
});
const byBinding: Proof = async (_body, isProven) => ({
  "spillway-hop": "service-binding",
  authorization: `Bearer ${isProven ? token : "another"}`,
});
const takesSigned = (): ReceiveHop => signedReceiver({ keys: [key], nonces: memoryNonces() });
const takesQstash = (): ReceiveHop =>
  qstashReceiver({ currentSigningKey: signingKey, nextSigningKey: "sig_next" });

const onFetch = (receiveHop: ReceiveHop) => fetchHandler(drain, { receiveHop, token });
async function onCloudflare(request: Request, receiveHop?: ReceiveHop): Promise<Response> {
  const kept: Promise<unknown>[] = [];
  const { fetch } = cloudflareHandler(drainOfEnv, {
    ...told,
    continuation: null,
    ...(receiveHop && { receiveHop }),
  });
  const answer = await fetch(request, {}, { waitUntil: (promise) => void kept.push(promise) });
  await Promise.all(kept);
  return answer;
}
const server = await startServer(drain, { port: 0, token, receiveHop: takesSigned() });
afterAll(() => server.stop());
const onNode = (request: Request) => fetch(new Request(`${server.url}/drain`, request));

const overHttp: [string, Proof, (request: Request) => Promise<Response>][] = [
  ["a signed call to the fetch host", signed, (request) => onFetch(takesSigned())(request)],
  ["a signed call to a Worker", signed, (request) => onCloudflare(request, takesSigned())],
  ["a signed call to a Node server", signed, onNode],
  ["a delivery by QStash to the fetch host", byQstash, (request) => onFetch(takesQstash())(request)],
  ["a delivery by QStash to a Worker", byQstash, (request) => onCloudflare(request, takesQstash())],
  ["a call by service binding", byBinding, (request) => onCloudflare(request)],
];
async function call(
  [, prove, send]: (typeof overHttp)[number],
  body: string,
  isProven = true,
): Promise<number> {
  const headers = await prove(body, isProven);
  return (await send(new Request(url, { method: "POST", headers, body, duplex: "half" } as RequestInit)))
    .status;
}

/** Each takes a hop's fields, and says whether it was taken. */
const receivers: [string, (fields: unknown) => Promise<boolean>][] = [
  ["readHop", async (fields) => readHop(fields) !== null],
  [
    "a Lambda event",
    async (spillway) => {
      const context = {
        functionName: "drain",
        invokedFunctionArn: "arn:aws:lambda:eu-central-1:1:function:drain",
        awsRequestId: "r",
        getRemainingTimeInMillis: () => 30_000,
      };
      try {
        await lambdaHandler(drain, { metrics: false })({ spillway }, context);
        return true;
      } catch (error) {
        expect(error).toMatchObject({ name: "ContinuationError", code: "hop-malformed" });
        return false;
      }
    },
  ],
  [
    "a message of a Queue",
    async (spillway) => {
      const outcomes: string[] = [];
      const message = {
        body: { spillway },
        ack: () => outcomes.push("ack"),
        retry: () => outcomes.push("retry"),
      };
      await cloudflareHandler(drainOfEnv, { ...told, continuation: null }).queue({ messages: [message] }, {});
      expect(outcomes).toHaveLength(1);
      return outcomes[0] === "ack";
    },
  ],
  [
    "a Durable Object",
    async (hop) => {
      const kept = new Map<string, unknown>();
      const storage = {
        get: async () => undefined,
        put: async (name: string, value: unknown) => void kept.set(name, value),
        delete: async () => undefined,
        getAlarm: async () => null,
        setAlarm: async () => undefined,
      };
      const { DrainChain } = cloudflareHandler(drainOfEnv, told);
      const body = JSON.stringify({ ask: "hop", hop, inMs: 0 });
      const asked = new Request("https://drain-chain/", { method: "POST", body });
      const { status } = await new DrainChain({ storage }, {}).fetch(asked);
      for (const waiting of kept.values()) begun.push((waiting as { chain: ChainPosition }).chain);
      expect(status).toBe(kept.size === 1 ? 204 : 400);
      return status === 204;
    },
  ],
  ...overHttp.map((route): [string, (fields: unknown) => Promise<boolean>] => [
    route[0],
    async (fields) => {
      const status = await call(route, JSON.stringify(fields));
      expect([200, 202, 400]).toContain(status);
      return status !== 400;
    },
  ]),
];

beforeEach(() => {
  begun = [];
  for (const method of ["error", "log"] as const)
    vi.spyOn(console, method).mockImplementation(() => undefined);
  return () => vi.restoreAllMocks();
});

describe.each(receivers)("%s", (_name, take) => {
  it.each(hostile)(
    "is not taken for a hop where it holds %s, and begins no drain",
    async (_title, fields) => {
      expect(await take(fields)).toBe(false);
      expect(begun).toEqual([]);
    },
  );

  it("is taken for the hop that it holds, and for the longest that there may be", async () => {
    expect(await take(good)).toBe(true);
    expect(await take({ ...longest, list: "mail" })).toBe(true);
    const chains = [good, longest].map(({ list: _list, chainId, ...place }) => ({ id: chainId, ...place }));
    if (_name !== "readHop") expect(begun).toEqual(chains);
  });
});

describe.each(overHttp)("%s", (...route) => {
  it("gets 401 where it has not proved to be ours, and begins no drain", async () => {
    expect(await call(route, JSON.stringify(good), false)).toBe(401);
    expect(begun).toEqual([]);
  });

  it("gets 400 where it has, and is no JSON, or no UTF-8", async () => {
    for (const body of ["", "{", "mail", '{"list":"mail","chainId":"c","hop":3']) {
      expect(await call(route, body)).toBe(400);
    }
    expect(begun).toEqual([]);
  });
});

describe("writeHop", () => {
  it("writes what readHop reads, whatever is in the list's name", () => {
    for (const list of ["mail", 'a"b', "é\u0000\n", "\ud800", "{tag}:x", "l".repeat(1_000)]) {
      const hop = { list, chain: { id: "c", hop: 3 } };
      expect(readHop(writeHop(hop))).toEqual(hop);
      expect(readHopText(JSON.stringify(writeHop(hop)))).toEqual(hop);
    }
    expect(readHopText(new Uint8Array([0x22, 0xff, 0x22]))).toBe(null);
  });

  it.each(hostile.filter(([, fields]) => typeof (fields as typeof good | null)?.hop === "number"))(
    "writes none that readHop would refuse: %s",
    (_title, fields) => {
      const { list, chainId, hop, paceUs } = fields as typeof longest;
      expect(() => writeHop({ list, chain: { id: chainId, hop, paceUs } })).toThrow(ContinuationError);
    },
  );
});

describe("a service binding", () => {
  it("is asked with what the Worker takes", async () => {
    const service = {
      fetch: (to: string, init: object) => onCloudflare(new Request(to, init)),
    };
    const continuation = serviceBindingContinuation<object>(() => service)({}, { trigger: "http", token });
    expect(await continuation.invoke(nextDrain({ list: "mail", chain: { id: "c", hop: 2 } }))).toBe(null);
    expect(begun).toEqual([{ id: "c", hop: 2 }]);
  });
});
