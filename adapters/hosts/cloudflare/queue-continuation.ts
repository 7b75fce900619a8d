import {
  type Continuation,
  type Hop,
  type NextDrain,
  OptionError,
  readHop,
  writeHop,
} from "../../../src/index.ts";
import { checkOptions, func, required } from "../../../src/internals.ts";
import type { Invocation } from "./options.ts";
import type { QueueBatch, QueueMessage, QueueProducer } from "./types.ts";

/** The longest delay that a Queue takes, s. Source: Queues "Limits". */
const delaySecondsMax = 86_400;

/**
 * Goes on by a message to a Cloudflare Queue that this Worker consumes: each is an invocation of its own, so a chain may have any
 * length. Messages of a Queue cannot be moved or replaced, so only a drain that was started by one sets a timer for the next
 * delayed message, and there are never more timers than chains. Throws `OptionError` for a missing binding.
 */
export function queueContinuation<Env>(
  pick: (env: Env) => QueueProducer | undefined,
): (env: Env, invocation: Invocation) => Continuation {
  checkOptions({ pick: required(func()) }, { pick });
  return (env, { trigger }) => {
    const queue = pick(env);
    if (typeof queue?.send !== "function") {
      throw new OptionError(
        "continuation",
        "queueContinuation with a Queue binding",
        "no such binding in env",
      );
    }
    const send = async (next: NextDrain, delaySeconds?: number): Promise<null> => {
      await queue.send(
        { spillway: writeHop(next) },
        { contentType: "json", ...(delaySeconds === undefined ? {} : { delaySeconds }) },
      );
      return null;
    };
    const continuation: Continuation = { name: "queue", invoke: (next) => send(next) };
    if (trigger !== "queue") return continuation;
    return {
      ...continuation,
      invokeLater: (next) => send(next, Math.min(delaySecondsMax, Math.ceil(next.inMs / 1_000))),
    };
  };
}

/** The hops among a batch's messages, and the other messages. */
export function readQueueBatch(batch: QueueBatch): {
  hops: { readonly message: QueueMessage; readonly hop: Hop }[];
  strangers: QueueMessage[];
} {
  const hops = [];
  const strangers = [];
  for (const message of batch.messages) {
    const hop = readHop((message.body as { spillway?: unknown } | null)?.spillway);
    if (hop) hops.push({ message, hop });
    else strangers.push(message);
  }
  return { hops, strangers };
}
