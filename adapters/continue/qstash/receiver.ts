import type { Receiver } from "@upstash/qstash";
import { ContinuationError, type ReceiveHop, readHopText } from "../../../src/index.ts";
import {
  type Checked,
  checkOptions,
  either,
  integer,
  type Kinds,
  object,
  required,
  text,
} from "../../../src/internals.ts";
import { readBytes } from "../../http/body.ts";
import { loadSdk } from "./sdk.ts";
import { refuseUrl } from "./url.ts";

export interface QstashReceiverOptions {
  readonly currentSigningKey: string;
  readonly nextSigningKey: string;
  /** The URL that QStash was told to call, where it is to be the one signed. Default: any. */
  readonly url?: string | URL;
  /** How far QStash's clock and this one may be apart, ms, up to an hour. Default: 5,000. */
  readonly clockSkewMs?: number;
}

const qstashHeader = "upstash-signature";

const bodyBytesMax = 65_536;
const signingKey = text({ isSecret: true, wanted: "a signing key, as QStash's console shows it" });
const kinds = {
  // Whoever has an empty key can sign.
  currentSigningKey: required(signingKey),
  nextSigningKey: required(signingKey),
  url: either(text(), object<URL>({ methods: ["toString"] })),
  clockSkewMs: integer({ min: 0, max: 3_600_000, default: 5_000 }),
} satisfies Kinds<QstashReceiverOptions>;

/**
 * Takes the hops that QStash delivers: what a host wants as `receiveHop`. Throws `OptionError` for bad options. The
 * function it returns resolves with null for a request without QStash's signature, and throws `ContinuationError` for one
 * signed with other keys, for another URL where one was given, expired, altered, or of more than 64 KB. A delivery that
 * comes twice is taken twice, as QStash itself delivers at least once; leases make that harmless.
 */
export function qstashReceiver(options: QstashReceiverOptions): ReceiveHop {
  const checked = checkOptions(kinds, options);
  // Signed for another one, no delivery would ever be taken.
  if (checked.url !== undefined) refuseUrl("url", checked.url);
  return async (request) => {
    const signature = request.headers.get(qstashHeader);
    if (signature === null) return null;
    const bytes = await readBytes(request.body, bodyBytesMax);
    const body = bytes && new TextDecoder().decode(bytes);
    if (body === null || !(await isSigned(body, signature, checked))) {
      throw new ContinuationError("hop-unproven", "QStash's signature does not count.");
    }
    const hop = readHopText(body);
    if (hop) return hop;
    throw new ContinuationError("hop-malformed", "The body must be { list, chainId, hop }.");
  };
}

async function isSigned(body: string, signature: string, options: Checked<typeof kinds>): Promise<boolean> {
  const { url, clockSkewMs } = options;
  const opened = await receiver(options);
  try {
    const clockTolerance = Math.ceil(clockSkewMs / 1_000);
    await opened.verify({
      signature,
      body,
      clockTolerance,
      ...(url === undefined ? {} : { url: String(url) }),
    });
    return true;
  } catch {
    return false;
  }
}

async function receiver({ currentSigningKey, nextSigningKey }: Checked<typeof kinds>): Promise<Receiver> {
  const { Receiver: QstashReceiver } = await loadSdk();
  return new QstashReceiver({ currentSigningKey, nextSigningKey, devMode: false });
}
