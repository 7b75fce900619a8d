import type { ChainPosition } from "../../../src/index.ts";
import { readHop } from "./hop.ts";
import { type VerifyOptions, verifyRequest } from "./signature.ts";

/**
 * The chain of a hop that `signedCalls` made, or null for every other request: what `receiveHop` of `spillway/cloudflare`
 * takes. Throws what `verifyRequest` throws.
 */
export async function receiveSignedHop(
  request: Request,
  options: VerifyOptions,
): Promise<ChainPosition | null> {
  const said = await verifyRequest(request, options);
  return said.ok ? (readHop(said.body)?.chain ?? null) : null;
}
