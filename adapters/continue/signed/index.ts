/**
 * Signed calls from a drain to its own URL: `continuation: signedContinuation({ url, keys })` makes them, and
 * `receiveHop: signedReceiver({ keys, nonces })` takes them. By WebCrypto only, so it runs wherever `fetch` does.
 *
 * @module
 */

export { type SignedContinuationOptions, signedContinuation } from "./continuation.ts";
export { memoryNonces, type NonceStore, redisNonces } from "./nonces.ts";
export { signedReceiver } from "./receiver.ts";
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
