import type { ChainPosition } from "../chain/hop.ts";
import type { Message } from "../handling/message.ts";
import type { Failure } from "../handling/retry-policy.ts";
import type { DeadLetter } from "../operations/dead-letter.ts";
import type { DrainReport } from "../run/report.ts";

/** What an event says about a message. Each field is made when first read. */
export type ToldMessage = Pick<Message, "payload" | "bytes" | "id" | "attempt" | "list">;

interface OfList {
  /** The Redis list; with `shards`, that of the shard. */
  readonly list: string;
}

interface OfMessage extends OfList {
  readonly message: ToldMessage;
}

/** Redis says how many messages they are, and not which. */
interface OfCount extends OfList {
  readonly count: number;
}

interface OfRun extends OfList {
  readonly chain: ChainPosition;
}

/**
 * The events of a drain: `drain.on("message:failed", …)`. What happened to messages is told after Redis has answered, a batch at
 * a time and at most once: a drain that dies tells nothing, and what another drain recovers, that drain tells.
 */
export interface DrainEvents {
  /** A run begins. A run over several lists or shards tells it once. */
  "drain:started": OfRun;
  /** After each request that claims or settles: the report so far. */
  "drain:progressed": OfRun & { readonly report: DrainReport };
  /** A run has ended, and its continuation with it. With `createSpillway`, the report holds one for each list too. */
  "drain:stopped": OfRun & { readonly report: DrainReport };
  "message:claimed": OfMessage;
  /** The handler, the schema or the codec threw, or Redis refused an effect. What becomes of the message is told later. */
  "message:failed": OfList & Failure;
  /** The message is done and gone, and its effects have run. */
  "message:acked": OfMessage;
  /** The message waits for its next attempt. */
  "message:retried": OfMessage;
  /** The message will not be tried again: one of this drain, or of another drain that crashed too often on it. */
  "message:dead-lettered": OfList & { readonly letter: DeadLetter };
  /** The message went back to the list, and no attempt was counted. */
  "message:released": OfMessage;
  /** Messages of expired leases have been returned to the list. */
  "message:recovered": OfCount;
  /** The lease had ended before these messages were settled: whatever their handlers did, they run again elsewhere. */
  "message:lost": OfCount;
  /** This drain has found that the brake holds the list. `until`: when one message is tried, epoch ms on Redis' clock. */
  "brake:on": OfList & { readonly until: number | null };
  /** A message has been acknowledged after this drain had found the brake on. */
  "brake:off": OfList;
  /** The next drain of the chain has been invoked, or a timer is set for it. `name`: the continuation's. */
  "continuation:invoked": OfRun & { readonly name: string };
  /** The continuation invoked or started no other drain, and why. This is no failure: the next tick goes on. */
  "continuation:declined": OfRun & { readonly reason: string };
  /** The continuation has failed, so the chain ends here. The next tick begins another. */
  "continuation:failed": OfRun & { readonly error: Error };
}

export type EventName = keyof DrainEvents;

/** Called with an event. What it throws or rejects with does no harm. A run waits for the promises it returns, until its budget ends. */
export type Listener<Name extends EventName> = (event: DrainEvents[Name]) => unknown;

/** A listener for each of some events. */
export type EventListeners = { readonly [Name in EventName]?: Listener<Name> | undefined };

/** The names of all events. */
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
