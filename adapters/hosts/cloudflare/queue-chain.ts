import { type ChainPosition, type Continuation, type NextDrain, OptionError } from "../../../src/index.ts";
import type { Invocation } from "./options.ts";
import type { QueueBatch, QueueMessage, QueueProducer } from "./types.ts";

/** The longest delay a Queue takes, s. Source: Queues "Limits". */
const delaySecondsMax = 86_400;

/**
 * Goes on by a message to a Cloudflare Queue that this Worker consumes: each is an invocation of its own, so a chain has
 * no depth limit. A Queue's messages cannot be moved or replaced, so only a drain that one of them began sets a timer
 * for the next delayed message: there are never more timers than chains. Throws `OptionError` for a missing binding.
 */
export function queueChain<Env>(
  pick: (env: Env) => QueueProducer | undefined,
): (env: Env, invocation: Invocation) => Continuation {
  return (env, { trigger }) => {
    const queue = pick(env);
    if (typeof queue?.send !== "function") {
      throw new OptionError("continuation", "queueChain with a Queue binding", "no such binding in env");
    }
    const send = async ({ list, chain }: NextDrain, delaySeconds?: number): Promise<null> => {
      const body = { spillway: { list, chainId: chain.id, hop: chain.hop } };
      await queue.send(body, {
        contentType: "json",
        ...(delaySeconds === undefined ? {} : { delaySeconds }),
      });
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

/** The hops among a batch's messages, and what is none. */
export function readQueueBatch(batch: QueueBatch): {
  hops: { readonly message: QueueMessage; readonly list: string; readonly chain: ChainPosition }[];
  strangers: QueueMessage[];
} {
  const hops = [];
  const strangers = [];
  for (const message of batch.messages) {
    const { list, chainId, hop } =
      (message.body as { spillway?: Record<string, unknown> } | null)?.spillway ?? {};
    if (typeof list === "string" && typeof chainId === "string" && Number.isSafeInteger(hop)) {
      hops.push({ message, list, chain: { id: chainId, hop: hop as number } });
    } else strangers.push(message);
  }
  return { hops, strangers };
}
