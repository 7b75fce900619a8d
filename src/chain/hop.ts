import { ContinuationError } from "../errors.ts";
import * as limits from "../limits.ts";

/** Where a drain stands in its chain. */
export interface ChainPosition {
  /** The same for all drains that invoke each other: 1 to 200 characters, none of them a control character. */
  readonly id: string;
  /** 0 for the drain that a tick or a call started. */
  readonly hop: number;
  /** How long a message has been taking in its chain, µs: a whole number, at most a day. Default: not known. */
  readonly paceUs?: number | undefined;
}

/** What one drain tells the next one. */
export interface Hop {
  readonly list: string;
  /** The place of the next drain: its `hop` is at least 1. */
  readonly chain: ChainPosition;
}

/** The fields of a hop as it is sent, as JSON or as an object. */
export interface HopFields {
  readonly list: string;
  readonly chainId: string;
  readonly hop: number;
  readonly paceUs?: number;
}

/**
 * How a host recognises a hop that comes by HTTP. Resolves with the hop once the request has proved that it is one, and with
 * null for a request that does not claim to be a hop. Throws `ContinuationError` for one that claims it wrongly: with the code
 * `hop-unproven`, which the host answers with 401, or `hop-malformed`, which it answers with 400. Any other throw means that it
 * cannot be decided now, and is answered with 503.
 */
export type ReceiveHop = (request: Request) => Promise<Hop | null>;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Writes a hop in the form that `readHop` reads. Throws `ContinuationError` (`hop-malformed`) for a hop that `readHop` would refuse. */
export function writeHop({ list, chain }: Hop): HopFields {
  const { id: chainId, hop, paceUs } = chain;
  const fields = { list, chainId, hop, ...(paceUs !== undefined && { paceUs }) };
  if (readHop(fields)) return fields;
  throw new ContinuationError(
    "hop-malformed",
    `This hop cannot be sent: its list's name, or its chain's id, hop or paceUs, is too long or too large: ${JSON.stringify(fields).slice(0, 100)}.`,
  );
}

/** Reads what `writeHop` made; null for anything else. */
export function readHop(given: unknown): Hop | null {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return null;
  const { list, chainId, hop, paceUs } = given as Record<string, unknown>;
  if (typeof list !== "string" || list === "" || list.length > limits.listCharsMax) return null;
  if (typeof chainId !== "string" || chainId === "" || chainId.length > limits.chainIdCharsMax) return null;
  if (/\p{Cc}/u.test(chainId)) return null;
  if (!isWhole(hop, 1, limits.hopMax)) return null;
  if (paceUs === undefined) return { list, chain: { id: chainId, hop } };
  return isWhole(paceUs, 0, limits.paceUsMax) ? { list, chain: { id: chainId, hop, paceUs } } : null;
}

function isWhole(given: unknown, min: number, max: number): given is number {
  return Number.isSafeInteger(given) && (given as number) >= min && (given as number) <= max;
}

/** Reads a hop from JSON, such as the body of a request; null for anything else. */
export function readHopText(text: string | Uint8Array): Hop | null {
  try {
    return readHop(JSON.parse(typeof text === "string" ? text : decoder.decode(text)));
  } catch {
    return null;
  }
}
