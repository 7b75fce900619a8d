import { numberOf } from "../broker/replies.ts";
import { sharedWorkingList } from "../broker/shared-working-list.ts";
import { asError } from "../handling/guest.ts";
import * as limits from "../limits.ts";
import type { DrainSettings } from "../options/drain-settings.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import { invokeFirst } from "./continuation.ts";

/** Whether a push, or a call of `wake`, started a drain, and if it failed, why. */
export interface Woken {
  readonly woken: boolean;
  /** Why the continuation could not start one; the next tick does. Null where it did not fail. */
  readonly wakeError: Error | null;
}

/** What `wake` needs. */
export interface WakeParts {
  readonly settings: Pick<
    DrainSettings,
    "continuation" | "clock" | "random" | "randomId" | "requestTimeoutMs" | "list" | "engine" | "workingList"
  >;
  readonly keys: ListKeys;
  /** The mark of the whole, where the list is one of several: what is started drains all of them, so one is enough. */
  readonly whole?: ByteString | undefined;
  openSender(): Sender;
}

/**
 * Has the continuation start a drain, unless one is live or about to begin. Resolves with null where there is no continuation.
 * Never rejects for errors of Redis or the continuation: the messages are in the list, and the next tick finds them.
 */
export async function wake({ settings, keys, whole, openSender }: WakeParts): Promise<Woken | null> {
  const { continuation, clock, random, randomId, requestTimeoutMs, list } = settings;
  const sender = openSender();
  if (!continuation) return null;
  const asleep = { woken: false, wakeError: null };
  const isMarked = settings.engine === "scripted";
  const marks = [...new Set([isMarked && keys.busy, whole])].filter((mark) => typeof mark === "string");
  try {
    // A drain removes the mark in the same step in which it finds nothing more, so a later push finds no mark. Drains of the
    // plain engine set no mark, so only their working list shows them.
    if (!isMarked && (await numberOf(sender, ["EXISTS", sharedWorkingList(settings, keys)])) > 0)
      return asleep;
    for (const mark of marks) if (!(await setMark(sender, mark))) return asleep;
    const endAt = clock.now() + requestTimeoutMs;
    const said = await invokeFirst(continuation, { list, clock, random, randomId, endAt });
    if (said === "continued") return { woken: true, wakeError: null };
    throw new Error(`The continuation declined: ${said.declined}`);
  } catch (error) {
    // No drain is about to begin, so the marks are taken away. If that fails, they expire by themselves.
    if (marks.length > 0)
      await sender.pipelineOnce(marks.map((mark) => ["DEL", mark])).catch(() => undefined);
    return { woken: false, wakeError: asError(error) };
  }
}

/** Takes the mark of a whole back where its run begins: who wakes after this finds none, and the run sees what was pushed before. */
export async function begin(sender: Sender, { busy }: ListKeys): Promise<void> {
  await sender.command(() => ["DEL", busy]).catch(() => undefined);
}

/**
 * Marks that a drain is about to begin, until its first claim. Returns whether there was no mark before. Where a reply was lost
 * that is not known; then it returns true, since two drains are better than none.
 */
async function setMark(sender: Sender, mark: ByteString): Promise<boolean> {
  let isUnsure = false;
  const reply = await sender.command((mayHaveRun) => {
    isUnsure = mayHaveRun;
    return ["SET", mark, "", "NX", "PX", limits.wakeMs];
  });
  return reply !== null || isUnsure;
}
