import { ContinuationError, type ReceiveHop, readHopText } from "../../../src/index.ts";
import { checkVerifyOptions, signatureHeader, type VerifyOptions, verifyRequest } from "./signature.ts";

/**
 * Makes a host's `receiveHop` for the hops that `signedContinuation` sends. Throws `OptionError` for bad options. The function
 * resolves with null for a request without a signature, and throws `ContinuationError` for one whose signature is not valid, and
 * what the nonce store throws.
 */
export function signedReceiver(options: VerifyOptions): ReceiveHop {
  checkVerifyOptions(options);
  return async (request) => {
    if (!request.headers.has(signatureHeader)) return null;
    const said = await verifyRequest(request, options);
    if (!said.ok) {
      throw new ContinuationError("hop-unproven", `The signature is not valid: ${said.reason}.`);
    }
    const hop = readHopText(said.body);
    if (hop) return hop;
    throw new ContinuationError("hop-malformed", "The body must be { list, chainId, hop }.");
  };
}
