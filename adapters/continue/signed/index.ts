/**
 * Signed calls from a drain to its own URL: `continuation: signedCalls({ url, keys })` makes them, `verifyRequest` takes
 * them. By WebCrypto only, so it runs wherever `fetch` does.
 *
 * @module
 */

export { type SignedCallsOptions, signedCalls } from "./continuation.ts";
export { type Hop, hopBody, readHop } from "./hop.ts";
export { refuseWeakKeys } from "./keys.ts";
export { memoryNonces, type NonceStore, redisNonces } from "./nonces.ts";
export { refuseNoNumbers } from "./numbers.ts";
export { receiveSignedHop } from "./receive.ts";
export {
  type ReceivedRequest,
  type SignableRequest,
  type SignOptions,
  signatureHeader,
  signRequest,
  type Verification,
  type VerifyOptions,
  verifyRequest,
} from "./signature.ts";
