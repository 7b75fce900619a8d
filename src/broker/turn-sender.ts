import { sha1Hex } from "../digest.ts";
import { RedisReplyError } from "../errors.ts";
import type { ListKeys } from "../keys.ts";
import type { ByteString, RedisReply } from "../redis-client.ts";
import type { Sender } from "../sender.ts";
import { evaluate, type Script } from "./evaluate.ts";
import { turnScript, turnScriptWhenFull } from "./scripts/turn/index.ts";
import { readTurnReply, type TurnReply } from "./turn-reply.ts";
import { encodeTurnRequest, type TurnRequest, turnKeys } from "./turn-request.ts";

/** The turn as the scripted engine sends it. An order of its own puts another in its place. */
export interface Turns {
  send(request: TurnRequest): Promise<TurnReply>;
  /** Whether an error says for the first time that Redis is full; from then on the script may use more than `maxmemory`. */
  learnsFull(error: unknown): boolean;
}

/** A script as it is sent, and as it is sent to a Redis that is full. */
export interface Scripts {
  readonly whenNot: Script;
  readonly whenFull: Script;
}

/* @__NO_SIDE_EFFECTS__ */
export function scriptsOf(source: string, sourceWhenFull: string): Scripts {
  return {
    whenNot: { source, sha: sha1Hex(source) },
    whenFull: { source: sourceWhenFull, sha: sha1Hex(sourceWhenFull) },
  };
}

const lean = scriptsOf(turnScript, turnScriptWhenFull);

/** Sends requests to the turn script, counts what they cost, and reads the replies. */
export class TurnSender implements Turns {
  readonly #sender: Sender;
  readonly #keys: ListKeys;
  readonly #scripts: Scripts;
  #isServerFull = false;

  constructor(sender: Sender, keys: ListKeys, scripts = lean) {
    this.#sender = sender;
    this.#keys = keys;
    this.#scripts = scripts;
  }

  async send(request: TurnRequest): Promise<TurnReply> {
    const reply = readTurnReply(await this.run(request));
    this.#sender.meter.commands += reply.calls;
    return reply;
  }

  learnsFull(error: unknown): boolean {
    if (!(error instanceof RedisReplyError) || error.prefix !== "OOM" || this.#isServerFull) return false;
    this.#isServerFull = true;
    return true;
  }

  /** Runs the script, with more keys and arguments behind the request's own. */
  async run(
    request: TurnRequest,
    moreKeys: readonly ByteString[] = [],
    moreArgs: readonly ByteString[] = [],
  ): Promise<RedisReply> {
    const { whenNot, whenFull } = this.#scripts;
    const script = this.#isServerFull ? whenFull : whenNot;
    try {
      const keys = [...turnKeys(this.#keys, request), ...moreKeys];
      const makeArgs = (mayHaveRun: boolean) => [...encodeTurnRequest(request, mayHaveRun), ...moreArgs];
      return await evaluate(this.#sender, script, keys, makeArgs);
    } catch (error) {
      if (!this.learnsFull(error)) throw error;
      return this.run(request, moreKeys, moreArgs);
    }
  }
}
