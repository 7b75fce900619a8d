import type { Hop } from "../../../src/index.ts";
import type { WorldKind } from "./messages.ts";

/** What a drain sends: `EXISTS`, and the turn script asked to claim, to settle, or both. */
export type RequestKind = "probe" | "claim" | "turn" | "settle";

export interface Death {
  readonly kind: RequestKind;
  /** Before the request is sent, or after it ran and before the drain has its reply. */
  readonly when: "before" | "after";
  /** Which request of that kind; a claim that got nothing does not count. */
  readonly nth: number;
}

/** Where a child works: its argument, as JSON. */
export interface ChildPlace {
  readonly id: string;
  readonly list: string;
  readonly kind: WorldKind;
  readonly client: "ioredis" | "upstash";
  readonly url: string;
  readonly token: string;
  /** A Redis that is never killed, and the list there that notes go to. */
  readonly notesUrl: string;
  readonly notesKey: string;
}

/** How it drains and where it dies: sent when it is to begin. */
export interface ChildOrder {
  readonly seed: number;
  readonly leaseMs: number;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly prefetch: 0 | 1;
  readonly death: Death | null;
}

/** A hop: a drain that another one has asked for, which runs in any process beside what runs there. */
export interface Called {
  readonly hop: Hop;
}

export type ToChild = ChildOrder | Called | "end";
export type FromChild =
  | "ready"
  | "draining"
  | { readonly error: string }
  | (Called & { readonly isBeside: boolean });
