import { ContinuationError, type ReceiveHop, readHopText } from "../../../src/index.ts";
import { checkVerifyOptions, signatureHeader, type VerifyOptions, verifyRequest } from "./signature.ts";

/**
 * Takes the hops that `signedContinuation` sends: what a host wants as `receiveHop`. Throws `OptionError` for bad options.
 * The function it returns resolves with null for a request without a signature, and throws `ContinuationError` for one
 * whose signature does not count, and what the nonce store throws.
 */
export function signedReceiver(options: VerifyOptions): ReceiveHop {
  checkVerifyOptions(options);
  return async (request) => {
    if (!request.headers.has(signatureHeader)) return null;
    const said = await verifyRequest(request, options);
    if (!said.ok) {
      throw new ContinuationError("hop-unproven", `The signature does not count: ${said.reason}.`);
    }
    const hop = readHopText(said.body);
    if (hop) return hop;
    throw new ContinuationError("hop-malformed", "The body must be { list, chainId, hop }.");
  };
}
