import { sha1Hex } from "../digest.ts";
import { RedisReplyError } from "../errors.ts";
import type { ListKeys } from "../redis/keys.ts";
import type { ByteString, RedisReply } from "../redis/redis-client.ts";
import type { Sender } from "../redis/sender.ts";
import type { TurnScripts } from "./effects.ts";
import { evaluate } from "./evaluate.ts";
import { turnScript, turnScriptWhenFull } from "./scripts/turn/index.ts";
import { readTurnReply, type TurnReply } from "./turn-reply.ts";
import { encodeTurnRequest, type TurnRequest, turnKeys } from "./turn-request.ts";

/** The turn as the scripted engine sends it. An order of its own puts another in its place. */
export interface Turns {
  send(request: TurnRequest): Promise<TurnReply>;
  learnsFull(error: unknown): boolean;
}

const lean: TurnScripts = {
  whenNot: { source: turnScript, sha: sha1Hex(turnScript) },
  whenFull: { source: turnScriptWhenFull, sha: sha1Hex(turnScriptWhenFull) },
};

/** Sends requests to the turn script, counts what they cost, and reads the replies. */
export class TurnSender implements Turns {
  readonly #sender: Sender;
  readonly #keys: ListKeys;
  readonly #scripts: TurnScripts | undefined;
  #isServerFull = false;

  constructor(sender: Sender, keys: ListKeys, scripts?: TurnScripts) {
    this.#sender = sender;
    this.#keys = keys;
    this.#scripts = scripts;
  }

  async send(request: TurnRequest): Promise<TurnReply> {
    const raw = await this.run(request);
    request.settle?.full?.takeRefused(raw);
    const reply = readTurnReply(raw);
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
    const full = request.settle?.full?.partsOf(request.settle.codes);
    const { whenFull, whenNot } = this.#scripts ?? full?.scripts ?? lean;
    const script = this.#isServerFull ? whenFull : whenNot;
    try {
      const makeArgs = (mayHaveRun: boolean) => [
        ...encodeTurnRequest(request, mayHaveRun, full),
        ...moreArgs,
      ];
      return await evaluate(
        this.#sender,
        script,
        [...turnKeys(this.#keys, request, full), ...moreKeys],
        makeArgs,
      );
    } catch (error) {
      if (!this.learnsFull(error)) throw error;
      return this.run(request, moreKeys, moreArgs);
    }
  }
}
