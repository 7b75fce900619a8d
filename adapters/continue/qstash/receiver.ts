import type { Receiver } from "@upstash/qstash";
import { type ChainPosition, OptionError } from "../../../src/index.ts";
import { readBytes } from "../../http/body.ts";
import { readHop } from "../signed/index.ts";
import { loadSdk } from "./sdk.ts";

export interface QstashKeys {
  readonly currentSigningKey: string;
  readonly nextSigningKey: string;
  /** The URL that QStash was told to call, where it is to be the one signed. Default: any. */
  readonly url?: string | URL;
  /** How far QStash's clock and this one may be apart, ms. Default: 5,000. */
  readonly clockSkewMs?: number;
}

const qstashHeader = "upstash-signature";

const bodyBytesMax = 65_536;
const clockSkewMsDefault = 5_000;

/** What `fetchHandler` takes as `qstash`. Throws `OptionError` for missing keys. */
export function qstashReceiver(keys: QstashKeys): {
  readonly header: string;
  verify(request: Request): Promise<string | null>;
} {
  refuseBadKeys(keys);
  return { header: qstashHeader, verify: (request) => verifyQstash(request, keys) };
}

/** Throws `OptionError` for a signing key that is missing: whoever has an empty key can sign. */
function refuseBadKeys({ currentSigningKey, nextSigningKey }: QstashKeys): void {
  for (const [name, key] of Object.entries({ currentSigningKey, nextSigningKey })) {
    if (typeof key !== "string" || key === "") {
      throw new OptionError(name, "a signing key, as QStash's console shows it", "none");
    }
  }
}

/**
 * Verifies a delivery by QStash and resolves with its body, or null where it is none: unsigned, signed with other keys,
 * for another URL where one was given, expired, altered, or of more than 64 KB. Throws `OptionError` for missing keys. A delivery that comes
 * twice is taken twice, as QStash itself delivers at least once; leases make that harmless.
 */
export async function verifyQstash(request: Request, keys: QstashKeys): Promise<string | null> {
  refuseBadKeys(keys);
  const signature = request.headers.get(qstashHeader);
  if (!signature) return null;
  const bytes = await readBytes(request.body, bodyBytesMax);
  if (bytes === null) return null;
  const body = new TextDecoder().decode(bytes);
  const { url, clockSkewMs = clockSkewMsDefault } = keys;
  const opened = await receiver(keys);
  try {
    await opened.verify({
      signature,
      body,
      clockTolerance: Math.ceil(clockSkewMs / 1_000),
      ...(url === undefined ? {} : { url: String(url) }),
    });
    return body;
  } catch {
    return null;
  }
}

/**
 * The chain of a hop that QStash delivers, or null for every other request: what `receiveHop` of `spillway/cloudflare`
 * takes. Throws `OptionError` for missing keys.
 */
export async function receiveQstashHop(request: Request, keys: QstashKeys): Promise<ChainPosition | null> {
  const body = await verifyQstash(request, keys);
  return body === null ? null : (readHop(body)?.chain ?? null);
}

async function receiver({ currentSigningKey, nextSigningKey }: QstashKeys): Promise<Receiver> {
  const { Receiver: QstashReceiver } = await loadSdk();
  return new QstashReceiver({ currentSigningKey, nextSigningKey, devMode: false });
}
