import { sha1Hex } from "../digest.ts";
import type { ByteString } from "../redis/redis-client.ts";

/** What a look into a shared working list showed, beside what was noted at earlier looks. */
export interface Observation {
  /** Digests seen for the first time. */
  readonly appeared: readonly string[];
  /** Digests noted earlier and no longer there. */
  readonly gone: readonly string[];
  /** Payloads that have been there too long, in the working list's order. */
  readonly stuck: readonly ByteString[];
}

/**
 * Compares the working list with the notes (a flat list of digest, first seen in ms). A payload is stuck when it was
 * first seen `visibilityTimeoutMs` ago or earlier; equal payloads share one note.
 */
export function observe(
  working: readonly ByteString[],
  notes: readonly ByteString[],
  now: number,
  visibilityTimeoutMs: number,
): Observation {
  const seenSince = new Map<string, number>();
  for (let at = 0; at < notes.length; at += 2) seenSince.set(notes[at] as string, Number(notes[at + 1]));
  const present = new Set<string>();
  const appeared = new Set<string>();
  const stuck: ByteString[] = [];
  for (const payload of working) {
    const digest = sha1Hex(payload);
    present.add(digest);
    const since = seenSince.get(digest);
    if (since === undefined) appeared.add(digest);
    else if (now - since >= visibilityTimeoutMs) stuck.push(payload);
  }
  const gone = [...seenSince.keys()].filter((digest) => !present.has(digest));
  return { appeared: [...appeared], gone, stuck };
}
