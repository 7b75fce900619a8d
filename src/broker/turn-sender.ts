import { sha1Hex } from "../digest.ts";
import { RedisReplyError } from "../errors.ts";
import type { ListKeys } from "../keys.ts";
import type { RedisReply } from "../redis-client.ts";
import type { Sender } from "../sender.ts";
import type { TurnScripts } from "./effects.ts";
import { evaluate } from "./evaluate.ts";
import { turnScript, turnScriptWhenFull } from "./scripts/turn/index.ts";
import { readTurnReply, type TurnReply } from "./turn-reply.ts";
import { encodeTurnRequest, type TurnRequest, turnKeys } from "./turn-request.ts";

const lean: TurnScripts = {
  whenNot: { source: turnScript, sha: sha1Hex(turnScript) },
  whenFull: { source: turnScriptWhenFull, sha: sha1Hex(turnScriptWhenFull) },
};

/** Sends requests to the turn script, counts what they cost, and reads the replies. */
export class TurnSender {
  readonly #sender: Sender;
  readonly #keys: ListKeys;
  #isServerFull = false;

  constructor(sender: Sender, keys: ListKeys) {
    this.#sender = sender;
    this.#keys = keys;
  }

  async send(request: TurnRequest): Promise<TurnReply> {
    const raw = await this.#run(request);
    request.settle?.full?.takeRefused(raw);
    const reply = readTurnReply(raw);
    this.#sender.meter.commands += reply.calls;
    return reply;
  }

  /** Whether an error says for the first time that Redis is full; from then on the script may use more than `maxmemory`. */
  learnsFull(error: unknown): boolean {
    if (!(error instanceof RedisReplyError) || error.prefix !== "OOM" || this.#isServerFull) return false;
    this.#isServerFull = true;
    return true;
  }

  async #run(request: TurnRequest): Promise<RedisReply> {
    const full = request.settle?.full?.partsOf(request.settle.codes);
    const { whenFull, whenNot } = full?.scripts ?? lean;
    const script = this.#isServerFull ? whenFull : whenNot;
    try {
      const makeArgs = (mayHaveRun: boolean) => encodeTurnRequest(request, mayHaveRun, full);
      return await evaluate(this.#sender, script, turnKeys(this.#keys, request, full), makeArgs);
    } catch (error) {
      if (!this.learnsFull(error)) throw error;
      return this.#run(request);
    }
  }
}
