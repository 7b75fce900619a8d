import { numberOf } from "../broker/replies.ts";
import { sharedWorkingList } from "../broker/shared-working-list.ts";
import { asError } from "../handling/guest.ts";
import * as limits from "../limits.ts";
import type { DrainSettings } from "../options/drain-settings.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import { invokeFirst } from "./continuation.ts";

/** Whether a push, or a call of `wake`, started a drain, and why not where it tried to. */
export interface Woken {
  readonly woken: boolean;
  /** What kept the continuation from starting one; the next tick does. */
  readonly wakeError: Error | null;
}

/** What it takes to wake. */
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
 * Has the continuation start a drain, unless one is live or about to begin; null where there is no continuation. Never
 * rejects for what Redis or the continuation does: the messages are in the list, and the next tick finds them.
 */
export async function wake({ settings, keys, whole, openSender }: WakeParts): Promise<Woken | null> {
  const { continuation, clock, random, randomId, requestTimeoutMs, list } = settings;
  if (!continuation) return null;
  const sender = openSender();
  const asleep = { woken: false, wakeError: null };
  const isMarked = settings.engine === "scripted";
  const marks = [...new Set([isMarked && keys.busy, whole])].filter((mark) => typeof mark === "string");
  try {
    // The mark goes in the very step in which a drain finds nothing more: who pushes after that finds none. Of the plain
    // engine's drains only what they hold is known.
    if (!isMarked && (await numberOf(sender, ["EXISTS", sharedWorkingList(settings, keys)])) > 0)
      return asleep;
    for (const mark of marks) if (!(await setMark(sender, mark))) return asleep;
    const endAt = clock.now() + requestTimeoutMs;
    const said = await invokeFirst(continuation, { list, clock, random, randomId, endAt });
    if (said === "continued") return { woken: true, wakeError: null };
    throw new Error(`The continuation declined: ${said.declined}`);
  } catch (error) {
    // No drain is about to begin, so nobody need wait for one. A mark that stays all the same ends by itself.
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
 * Says that a drain is about to begin, until it claims, and whether nothing said so before. Where a reply was lost, that is
 * not known, and two drains are better than none.
 */
async function setMark(sender: Sender, mark: ByteString): Promise<boolean> {
  let isUnsure = false;
  const reply = await sender.command((mayHaveRun) => {
    isUnsure = mayHaveRun;
    return ["SET", mark, "", "NX", "PX", limits.wakeMs];
  });
  return reply !== null || isUnsure;
}
