import { ContinuationError } from "../errors.ts";
import * as limits from "../limits.ts";

/** Where a drain stands in its chain. */
export interface ChainPosition {
  /** The same for all drains that invoke each other: 1 to 200 characters, none of them a control character. */
  readonly id: string;
  /** 0 for the drain that a tick or a call started. */
  readonly hop: number;
  /** What a message has been taking in its chain, µs, a whole number up to a day. Default: not known. */
  readonly paceUs?: number | undefined;
}

/** What one drain tells the next one. */
export interface Hop {
  readonly list: string;
  /** The place of the next drain: its `hop` is at least 1. */
  readonly chain: ChainPosition;
}

/** A hop as it travels, whatever carries it: as JSON, or as an object. */
export interface HopFields {
  readonly list: string;
  readonly chainId: string;
  readonly hop: number;
  readonly paceUs?: number;
}

/**
 * How a host recognises a hop that comes by HTTP. Resolves with the hop that a request has proved to be, and with null for
 * a request that does not claim to be one. Throws `ContinuationError` with the code `hop-unproven` or `hop-malformed` for
 * one that claims to be a hop and is none, which is answered with 401 or 400. Another throw means that it cannot be told
 * now, which is answered with 503.
 */
export type ReceiveHop = (request: Request) => Promise<Hop | null>;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** A hop in the form that `readHop` reads. Throws `ContinuationError` (`hop-malformed`) for one that it would refuse. */
export function writeHop({ list, chain }: Hop): HopFields {
  const { id: chainId, hop, paceUs } = chain;
  const fields = { list, chainId, hop, ...(paceUs !== undefined && { paceUs }) };
  if (readHop(fields)) return fields;
  throw new ContinuationError(
    "hop-malformed",
    `No hop can be written: the list's name, or the chain's id, hop or paceUs, is out of bounds: ${JSON.stringify(fields).slice(0, 100)}.`,
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
