import { describe, expect, it } from "vitest";
import {
  memoryNonces,
  type SignedContinuationOptions,
  signatureHeader,
  signedContinuation,
  verifyRequest,
} from "../../adapters/continue/signed/index.ts";
import { type Declined, OptionError } from "../../src/index.ts";
import { invokeBy } from "../support/continuation.ts";

const key = "the-key-of-this-deployment-0123456789";
const url = "https://drain.example/api/drain?from=self";

type Answer = number | Error | "never";

/** A service that answers as scripted, and 202 when the script has ended. */
function service(answers: Answer[] = [], options: Partial<SignedContinuationOptions> = {}) {
  const calls: Request[] = [];
  const continuation = signedContinuation({
    url,
    keys: [key],
    fetch: async (request) => {
      calls.push(request);
      const answer = answers.shift() ?? 202;
      if (answer instanceof Error) throw answer;
      if (answer !== "never") return new Response("{}", { status: answer });
      return new Promise((_resolve, reject) => {
        request.signal.addEventListener("abort", () => reject(request.signal.reason));
      });
    },
    ...options,
  });
  const invoke = (hop = 1, timeoutMs = 5_000): Promise<Declined | null> =>
    invokeBy(continuation, { list: "mail", chain: { id: "c", hop } }, timeoutMs);
  return { calls, invoke, continuation };
}

describe("the continuation by signed calls", () => {
  it("posts list, chain and hop to the drain's own URL, signed by the first key", async () => {
    const { calls, invoke, continuation } = service([], { keys: [key, `${key}-old`] });
    expect(await invoke(7)).toBe(null);
    expect(continuation.name).toBe("signed");
    const [call] = calls as [Request];
    expect([call.method, call.url, call.redirect]).toEqual(["POST", url, "manual"]);
    expect(call.headers.get("content-type")).toBe("application/json");
    const said = await verifyRequest(call, { keys: [key], nonces: memoryNonces() });
    expect(said.ok && JSON.parse(new TextDecoder().decode(said.body))).toEqual({
      list: "mail",
      chainId: "c",
      hop: 7,
    });
  });

  it("calls again where the call was refused, each time with a signature of its own", async () => {
    const { calls, invoke } = service([429, 503]);
    expect(await invoke()).toBe(null);
    expect(new Set(calls.map(({ headers }) => headers.get(signatureHeader))).size).toBe(3);
  });

  it.each<[string, Answer]>([
    ["continuation-unknown", new TypeError("fetch failed")],
    ["continuation-unknown", "never"],
    ["continuation-unknown", 500],
    ["continuation-unknown", 502],
    ["continuation-unknown", 504],
    ["continuation-failed", 401],
    ["continuation-failed", 404],
    ["continuation-failed", 302],
  ])("does not call again what may be under way, or cannot help: it is %s after %s", async (code, answer) => {
    const { calls, invoke } = service([answer]);
    await expect(invoke(1, 500)).rejects.toMatchObject({ name: "ContinuationError", code });
    expect(calls).toHaveLength(1);
  });

  it("gives up where the time given ends", async () => {
    const { calls, invoke } = service(Array.from({ length: 100 }, () => 503));
    await expect(invoke(1, 400)).rejects.toThrow("answered with 503");
    expect(calls.length).toBeGreaterThan(1);
    expect(calls.length).toBeLessThan(10);
  });

  it("declines where the chain is as long as it may be, and where the platform takes it for a loop", async () => {
    const { calls, invoke } = service([202, 508], { maxHops: 3 });
    expect(await invoke(3)).toBe(null);
    expect(await invoke(4)).toEqual({ declined: expect.stringContaining("3 hops") });
    expect(calls).toHaveLength(1);
    expect(await invoke(2)).toEqual({ declined: expect.stringContaining("508") });
  });

  it.each<[string, object]>([
    ["a Headers", new Headers({ "x-bypass": "s" })],
    ["a list of pairs", [["x-bypass", "s"]]],
    [
      "a name of ours in other letters",
      { "x-bypass": "s", "Content-Type": "text/plain", "Spillway-Signature": "no" },
    ],
  ])("sends the headers that it is given as %s, and its own", async (_name, headers) => {
    const { calls, invoke } = service([], { headers: headers as never });
    expect(await invoke()).toBe(null);
    expect(calls[0]?.headers.get("x-bypass")).toBe("s");
    expect(calls[0]?.headers.get("content-type")).toBe("application/json");
    expect(calls[0]?.headers.get(signatureHeader)).toMatch(/^v1;[^,]*$/);
  });

  it("asks for the URL at each call, and sends the headers it is given", async () => {
    const headers = { "x-vercel-protection-bypass": "s", [signatureHeader]: "not this one" };
    const { calls, invoke } = service([], { url: () => "https://now.example/drain", headers });
    await invoke();
    expect(calls[0]?.url).toBe("https://now.example/drain");
    expect(calls[0]?.headers.get("x-vercel-protection-bypass")).toBe("s");
    expect(calls[0]?.headers.get(signatureHeader)).toMatch(/^v1;/);
  });

  it("shows no password that is in a URL, whenever it is refused", async () => {
    const withPassword = "https://user:secret@drain.example/drain";
    for (const bad of [withPassword, "https://user:secret@drain.example:port"]) {
      expect(() => service([], { url: bad })).toThrow(/^(?!.*secret)/);
      const { calls, invoke } = service([], { url: () => bad });
      await expect(invoke()).rejects.toThrow(/^(?!.*secret)/);
      expect(calls).toHaveLength(0);
    }
  });

  it.each<[string, Partial<SignedContinuationOptions>]>([
    ["no URL", { url: "drain" }],
    ["a URL of another kind", { url: "redis://drain.example/drain" }],
    ["a password in its URL", { url: "https://user:secret@drain.example/drain" }],
    ["no key", { keys: [] }],
    ["a weak key", { keys: ["short"] }],
    ["a chain of less than nothing", { maxHops: -1 }],
  ])("is not made with %s", (_title, options) => {
    expect(() => service([], options)).toThrow(OptionError);
  });
});
