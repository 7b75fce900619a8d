import type { ByteString } from "../../src/index.ts";

/** What the runs of a test have shown of the messages with one payload. */
export interface Sighting {
  /** How many copies the test pushed by `push`. */
  pushedCount: number;
  /** How often their handler has begun. */
  runCount: number;
  /** Which attempt the newest of those was; 0 before the first. */
  attempt: number;
  /** What the newest failure threw. */
  error: Error | null;
  /** Whether one became a dead letter and has not run since. */
  isDead: boolean;
}

/** What has been seen of all messages of one list. */
export class Sightings {
  readonly #found = new Map<ByteString, Sighting>();

  get payloads(): Iterable<ByteString> {
    return this.#found.keys();
  }

  has(payload: ByteString): boolean {
    return this.#found.has(payload);
  }

  of(payload: ByteString): Sighting {
    const known = this.#found.get(payload);
    if (known) return known;
    const fresh = { pushedCount: 0, runCount: 0, attempt: 0, error: null, isDead: false };
    this.#found.set(payload, fresh);
    return fresh;
  }
}
