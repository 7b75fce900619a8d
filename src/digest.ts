import type { ByteString } from "./redis/redis-client.ts";

/**
 * SHA-1 in hexadecimal, as Redis computes it (`redis.sha1hex`, `SCRIPT LOAD`). Ours because WebCrypto's is
 * asynchronous, and names and ids are wanted synchronously; SHA-1 because Redis offers no other. Nothing secret rests on it.
 * Source: RFC 3174, method 1.
 */
/* @__NO_SIDE_EFFECTS__ */
export function sha1Hex(raw: ByteString): string {
  const words = new Uint32Array(80);
  const state = new Uint32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  const blockCount = Math.ceil((raw.length + 9) / 64);
  for (let block = 0; block < blockCount; block++) {
    words.fill(0, 0, 16);
    const start = block * 64;
    const end = Math.min(raw.length, start + 64);
    for (let at = start; at < end; at++) addByte(words, at - start, raw.charCodeAt(at));
    if (raw.length >= start && raw.length < start + 64) addByte(words, raw.length - start, 0x80);
    if (block === blockCount - 1) {
      words[14] = Math.floor(raw.length / 0x20000000);
      words[15] = raw.length << 3;
    }
    compress(words, state);
  }
  let hex = "";
  for (const word of state) hex += word.toString(16).padStart(8, "0");
  return hex;
}

function addByte(words: Uint32Array, at: number, byte: number): void {
  words[at >> 2] = (words[at >> 2] as number) | (byte << (24 - 8 * (at & 3)));
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function compress(words: Uint32Array, state: Uint32Array): void {
  for (let at = 16; at < 80; at++) {
    const mixed =
      (words[at - 3] as number) ^
      (words[at - 8] as number) ^
      (words[at - 14] as number) ^
      (words[at - 16] as number);
    words[at] = rotate(mixed, 1);
  }
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
  for (let at = 0; at < 80; at++) {
    const sum = rotate(a, 5) + mix(at, b, c, d) + e + (words[at] as number);
    e = d;
    d = c;
    c = rotate(b, 30);
    b = a;
    a = sum | 0;
  }
  for (const [at, value] of [a, b, c, d, e].entries()) state[at] = (state[at] as number) + value;
}

/** The round function and its constant. */
function mix(at: number, b: number, c: number, d: number): number {
  if (at < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (at < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (at < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}
