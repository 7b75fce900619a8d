import type { ChainPosition } from "../chain/hop.ts";
import type { Message } from "../handling/message.ts";
import type { Failure } from "../handling/retry-policy.ts";
import type { DeadLetter } from "../operations/dead-letter.ts";
import type { DrainReport } from "../run/report.ts";

/** What an event tells of a message. All of it is made on first use. */
export type ToldMessage = Pick<Message, "payload" | "bytes" | "id" | "attempt" | "list">;

interface OfList {
  /** The Redis list; with `shards`, that of the shard. */
  readonly list: string;
}

interface OfMessage extends OfList {
  readonly message: ToldMessage;
}

/** Redis tells how many, and not which. */
interface OfCount extends OfList {
  readonly count: number;
}

interface OfRun extends OfList {
  readonly chain: ChainPosition;
}

/**
 * All that a drain tells of: `drain.on("message:failed", …)`. What happened to messages is told once Redis has answered,
 * a batch at a time, and at most once: who dies may not tell it, and a message that another drain recovers is its to tell.
 */
export interface DrainEvents {
  /** A run begins; of several lists, or shards, one for the whole. */
  "drain:started": OfRun;
  /** After each request that claims or settles: the report so far. */
  "drain:progressed": OfRun & { readonly report: DrainReport };
  /** A run has ended, its continuation included. Of `createSpillway`, the report has each list's own. */
  "drain:stopped": OfRun & { readonly report: DrainReport };
  "message:claimed": OfMessage;
  /** The handler, the schema or the codec threw, or Redis refused an effect; before anything is done about it. */
  "message:failed": OfList & Failure;
  /** It is gone, and its effects are done. */
  "message:acked": OfMessage;
  /** It waits for its next attempt. */
  "message:retried": OfMessage;
  /** It will not be tried again: this drain's, or that of one which crashed too often. */
  "message:dead-lettered": OfList & { readonly letter: DeadLetter };
  /** It went back unharmed. */
  "message:released": OfMessage;
  /** Messages of expired leases are in the list again. */
  "message:recovered": OfCount;
  /** The lease had ended before they were settled: whatever their handlers did, others run them again. */
  "message:lost": OfCount;
  /** The brake holds the list, as this drain first meets it. `until`: when one message is tried, epoch ms on Redis' clock. */
  "brake:on": OfList & { readonly until: number | null };
  /** This drain has met it, and a message has been acknowledged since. */
  "brake:off": OfList;
  /** The next drain of the chain is under way, or a timer set for it. `name`: the continuation's. */
  "continuation:invoked": OfRun & { readonly name: string };
  /** It did not invoke another drain, or no other was started, and why. No failure: the next tick goes on. */
  "continuation:declined": OfRun & { readonly reason: string };
  /** The chain ends here; the next tick begins another. */
  "continuation:failed": OfRun & { readonly error: Error };
}

export type EventName = keyof DrainEvents;

/** Told an event. Whatever it throws, rejects or returns does no harm; a run waits for promises, until its budget ends. */
export type Listener<Name extends EventName> = (event: DrainEvents[Name]) => unknown;

/** A listener for each of some events. */
export type EventListeners = { readonly [Name in EventName]?: Listener<Name> | undefined };

/** Every name there is. */
export const eventNames = Object.keys({
  "drain:started": 0,
  "drain:progressed": 0,
  "drain:stopped": 0,
  "message:claimed": 0,
  "message:failed": 0,
  "message:acked": 0,
  "message:retried": 0,
  "message:dead-lettered": 0,
  "message:released": 0,
  "message:recovered": 0,
  "message:lost": 0,
  "brake:on": 0,
  "brake:off": 0,
  "continuation:invoked": 0,
  "continuation:declined": 0,
  "continuation:failed": 0,
} satisfies Record<EventName, 0>) as EventName[];
