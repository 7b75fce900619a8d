import type { ListFromLeft } from "../broker/from-left.ts";
import { type Clock, sleep } from "../clock.ts";
import { RedisReplyError, RedisTooLargeError, RedisTransportError } from "../errors.ts";
import * as limits from "../limits.ts";
import type {
  ByteString,
  RedisClient,
  RedisCommand,
  RedisReply,
  RedisRequestOptions,
} from "./redis-client.ts";

/** What a drain has cost so far. */
export interface Meter {
  requests: number;
  /** What the handlers of claimed messages send, or may, and shares the limit of requests. */
  elsewhere: number;
  /** Billed commands: each command of a request, and each one a script ran. */
  commands: number;
}

/** Replies that say the command was refused before it did anything, and that waiting may help. */
const passingRefusals = new Set(
  "LOADING BUSY READONLY NOREPLICAS MISCONF TRYAGAIN CLUSTERDOWN MASTERDOWN".split(" "),
);

/** How servers say that a request or its reply is too large: Upstash, gateways (413), Redis itself. */
const tooLargeTexts =
  /max \w+( \w+)? size exceeded|too large|too big|invalid bulk length|invalid multibulk length/i;

/**
 * Sends requests, counts them, and sends again those that can be repeated, until `giveUpAt`. A request is repeated
 * because its reply was lost, not because it is known to have failed: it may have run each time.
 */
export class Sender {
  readonly meter: Meter = { requests: 0, elsewhere: 0, commands: 0 };
  readonly #client: RedisClient;
  readonly #clock: Clock;
  readonly #requestTimeoutMs: number;
  readonly #giveUpAt: number;
  readonly #requestCountMax: number;
  readonly #near: ByteString | undefined;
  readonly fromLeft: ListFromLeft | undefined;

  constructor(options: {
    client: RedisClient;
    clock: Clock;
    requestTimeoutMs: number;
    giveUpAt: number;
    /** Nothing is repeated beyond so many requests. Default: no limit. */
    requestCountMax?: number | undefined;
    /** A key of the list; see `RedisRequestOptions`. */
    near?: ByteString;
    /** Given where the list is consumed from its left end. */
    fromLeft?: ListFromLeft | undefined;
  }) {
    this.#near = options.near;
    this.fromLeft = options.fromLeft;
    this.#requestCountMax = options.requestCountMax ?? Number.POSITIVE_INFINITY;
    this.#client = options.client;
    this.#clock = options.clock;
    this.#requestTimeoutMs = options.requestTimeoutMs;
    this.#giveUpAt = options.giveUpAt;
  }

  /** The drain's clock, for those who must note the moment before a request is sent. */
  now(): number {
    return this.#clock.now();
  }

  /** One command that can be repeated. `make` is told whether an earlier sending may have run. */
  command(make: (mayHaveRun: boolean) => RedisCommand): Promise<RedisReply> {
    return this.#repeat((mayHaveRun) => {
      this.meter.requests += 1;
      this.meter.commands += 1;
      return this.#client.command(this.#turned(make(mayHaveRun)), this.#options());
    });
  }

  /** Commands that can be repeated, all of them, in one request. */
  pipeline(commands: readonly RedisCommand[]): Promise<(RedisReply | RedisReplyError)[]> {
    return this.#repeat(async () => {
      const replies = await this.pipelineOnce(commands);
      const refused = replies.find(isPassing);
      if (refused) throw refused;
      return replies;
    });
  }

  /** Commands that must not be repeated: a lost reply throws at once. */
  pipelineOnce(commands: readonly RedisCommand[]): Promise<(RedisReply | RedisReplyError)[]> {
    this.meter.requests += 1;
    this.meter.commands += commands.length;
    return this.#client.pipeline(
      commands.map((one) => this.#turned(one)),
      this.#options(),
    );
  }

  #turned(command: RedisCommand): RedisCommand {
    return this.fromLeft?.command(command) ?? command;
  }

  #options(): RedisRequestOptions {
    const left = Math.ceil(this.#giveUpAt - this.#clock.now());
    const timeoutMs = Math.min(this.#requestTimeoutMs, Math.max(left, limits.lastTimeoutMs));
    return { timeoutMs, near: this.#near };
  }

  async #repeat<Reply>(send: (mayHaveRun: boolean) => Promise<Reply>): Promise<Reply> {
    let mayHaveRun = false;
    for (let sent = 1; ; sent++) {
      try {
        return await send(mayHaveRun);
      } catch (error) {
        if (isTooLarge(error)) throw new RedisTooLargeError(tooLargeMessage, { cause: error });
        mayHaveRun ||= error instanceof RedisTransportError;
        if (!(await this.#waitAfter(error, sent))) throw error;
      }
    }
  }

  /** Waits before the next sending; false, at once, where there is to be none. */
  async #waitAfter(error: unknown, sent: number): Promise<boolean> {
    const waitMs = Math.min(limits.resendWaitMs * 2 ** (sent - 1), limits.resendWaitMsMax);
    const hasTime = this.#clock.now() + waitMs < this.#giveUpAt;
    const { requests, elsewhere } = this.meter;
    const isAllowed = requests + elsewhere + limits.requestsUnrepeated < this.#requestCountMax;
    if (sent >= sendCountMax(error) || !hasTime || !isAllowed) return false;
    await sleep(this.#clock, waitMs);
    return true;
  }
}

const tooLargeMessage =
  "A request, or its reply, is larger than the server takes. Nothing is lost: what it would have claimed is in the list, or returns to it.";

function isTooLarge(error: unknown): boolean {
  if (error instanceof RedisTransportError) return error.status === 413;
  return error instanceof RedisReplyError && tooLargeTexts.test(error.message);
}

/** How often to send at most. A server that answers is worth more patience than one that does not. */
function sendCountMax(error: unknown): number {
  if (error instanceof RedisTransportError) return error.isRetryable ? limits.sendCountMax : 1;
  return isPassing(error) ? limits.refusedCountMax : 1;
}

function isPassing(reply: unknown): boolean {
  return reply instanceof RedisReplyError && passingRefusals.has(reply.prefix);
}
