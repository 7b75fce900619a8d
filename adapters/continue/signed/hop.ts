import type { ChainPosition, NextDrain } from "../../../src/index.ts";

/** What one drain tells the next one over HTTP. */
export interface Hop {
  readonly list: string;
  readonly chain: ChainPosition;
}

const chainIdCharsMax = 200;
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A hop as a body of JSON: `{ list, chainId, hop }`. */
export function hopBody({ list, chain }: Pick<NextDrain, "list" | "chain">): string {
  return JSON.stringify({ list, chainId: chain.id, hop: chain.hop });
}

/** Reads what `hopBody` wrote; null for anything else. */
export function readHop(body: Uint8Array | string): Hop | null {
  let read: unknown;
  try {
    read = JSON.parse(typeof body === "string" ? body : decoder.decode(body));
  } catch {
    return null;
  }
  if (typeof read !== "object" || read === null) return null;
  const { list, chainId, hop } = read as Record<string, unknown>;
  const isHop =
    typeof list === "string" &&
    typeof chainId === "string" &&
    chainId.length <= chainIdCharsMax &&
    typeof hop === "number" &&
    Number.isSafeInteger(hop) &&
    hop >= 1;
  return isHop ? { list, chain: { id: chainId, hop } } : null;
}
