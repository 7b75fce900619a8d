import { fromText } from "../bytes.ts";
import { OptionError } from "../errors.ts";
import type { ByteString } from "./redis-client.ts";

/**
 * Every key of one list. All share the list's hash slot, so that scripts and multi-key commands work on Redis Cluster
 * without renaming the list: `emails` → `{emails}:leases`; a name that has a hash tag keeps it.
 * Consequence: the lists `emails` and `{emails}` would share these keys; use only one of the two names.
 */
export interface ListKeys {
  /** The name as the user gave it. */
  readonly name: string;
  /** list: what producers push. */
  readonly list: ByteString;
  /** What every other key begins with. `working:<batch id>`, a list, is one claimed batch; `done:<batch id>`, a hash, its done-markers. */
  readonly base: ByteString;
  /** zset: batch id → end of its lease, ms on Redis' own clock. */
  readonly leases: ByteString;
  /** zset: `<unique id>:<payload>` → due time, ms on Redis' own clock. */
  readonly delayed: ByteString;
  /** hash: SHA-1 of a payload → histories of its copies in the list; batch id → histories of its messages. */
  readonly attempts: ByteString;
  /** list: dead letters, the newest leftmost, each a line of JSON and the payload. */
  readonly dead: ByteString;
  /** hash: the brake while it is on, and before that the messages that failed one after another. */
  readonly brake: ByteString;
  /** string that ends by itself: there while no more drains may come, where a continuation is configured. */
  readonly busy: ByteString;
  /** hash: what an operator told all drains: whether they pause, and how many messages they may claim in a time. */
  readonly control: ByteString;
  /** zset, order by key: `<key>:<place>:<history>:<payload>`, messages that wait in the line of their key. */
  readonly parked: ByteString;
  /** zset, order by key: key → when somebody is to look at its line, ms on Redis' own clock. */
  readonly due: ByteString;
  /** hash, order by key: key → the batch that holds it; batch id → the keys of its messages. */
  readonly lines: ByteString;
  /** string that ends by itself, strict order: there while the first message of the list waits for its next attempt. */
  readonly held: ByteString;
  /** hash that ends by itself, order by key with a limit per key: key → messages claimed in the window that runs; `endsAt`. */
  readonly rates: ByteString;
  /** hash, plain engine only: SHA-1 of a payload → when it was first seen in the shared working list, ms. */
  readonly seen: ByteString;
  /** string, plain engine only: held for the moment of one recovery. */
  readonly recovering: ByteString;
  /** list, plain engine only: the shared working list where the user names none. */
  readonly sharedWorking: ByteString;
}

/** Names the keys of a list. Throws `OptionError` for a name that no other key can share a hash slot with. */
export function listKeys(name: string): ListKeys {
  if (name === "") throw new OptionError("list", "a Redis key with at least one character", '""');
  const base = hashTagOf(name) !== name ? name : `{${name}}`;
  if (base !== name && name.includes("}")) {
    throw new OptionError(
      "list",
      'a key without "}", or with a hash tag such as "{emails}", so that its other keys share its hash slot',
      JSON.stringify(name),
    );
  }
  const key = (suffix: string): ByteString => fromText(`${base}:${suffix}`);
  return {
    name,
    list: fromText(name),
    base: key(""),
    leases: key("leases"),
    delayed: key("delayed"),
    attempts: key("attempts"),
    dead: key("dead"),
    brake: key("brake"),
    busy: key("busy"),
    control: key("control"),
    parked: key("parked"),
    due: key("due"),
    lines: key("lines"),
    held: key("held"),
    rates: key("rates"),
    seen: key("seen"),
    recovering: key("recovering"),
    sharedWorking: key("working"),
  };
}

/** What Redis Cluster hashes of a key: what stands between the first `{` and the next `}`, or all where that is nothing. */
export function hashTagOf(key: ByteString): ByteString {
  const open = key.indexOf("{");
  const close = key.indexOf("}", open);
  return open >= 0 && close > open + 1 ? key.slice(open + 1, close) : key;
}
