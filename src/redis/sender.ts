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
  /** Requests that the handlers of claimed messages send or may send, which count for the same limit. */
  elsewhere: number;
  /** Billed commands: each command of a request, and each one that a script ran. */
  commands: number;
}

/** Errors of commands that were refused before they did anything, and where waiting may help. */
const passingRefusals = new Set(
  "LOADING BUSY READONLY NOREPLICAS MISCONF TRYAGAIN CLUSTERDOWN MASTERDOWN".split(" "),
);

/** How servers say that a request or its reply is too large: Upstash, gateways (413), Redis itself. */
const tooLargeTexts =
  /max \w+( \w+)? size exceeded|too large|too big|invalid bulk length|invalid multibulk length/i;

/**
 * Sends requests, counts them, and until `giveUpAt` sends those again that can be repeated. A request is repeated because its
 * reply was lost, not because it is known to have failed: it may have run each time.
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
    /** After this many requests, nothing is repeated. Default: no limit. */
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

  /** The time on the drain's clock, for callers that must note it before a request is sent. */
  now(): number {
    return this.#clock.now();
  }

  /** Whether there is room for one more request that the run can do without. */
  get hasRoom(): boolean {
    return this.#hasRoomBeside(limits.requestsKept);
  }

  #hasRoomBeside(keptCount: number): boolean {
    return this.meter.requests + this.meter.elsewhere + keptCount < this.#requestCountMax;
  }

  /** Sends one command that can be repeated. `make` gets whether an earlier sending may have run. */
  command(make: (mayHaveRun: boolean) => RedisCommand): Promise<RedisReply> {
    return this.#repeat((mayHaveRun) => {
      this.meter.requests += 1;
      this.meter.commands += 1;
      return this.#client.command(this.#turned(make(mayHaveRun)), this.#options());
    });
  }

  /** Sends commands in one request, all of which can be repeated. */
  pipeline(commands: readonly RedisCommand[]): Promise<(RedisReply | RedisReplyError)[]> {
    return this.#repeat(async () => {
      const replies = await this.pipelineOnce(commands);
      const refused = replies.find(isPassing);
      if (refused) throw refused;
      return replies;
    });
  }

  /**
   * Sends commands that must not be repeated: a lost reply throws at once. `groups` are places of commands that are sent again
   * together, where the server refused all of them because it is not ready: then none of them has run.
   */
  async pipelineOnce(
    commands: readonly RedisCommand[],
    groups: readonly (readonly number[])[] = [],
  ): Promise<(RedisReply | RedisReplyError)[]> {
    const replies = await this.#pipeline(commands, groups.length > 0);
    for (let sent = 1; ; sent++) {
      const refused = groups.filter((group) => group.every((at) => isPassing(replies[at]))).flat();
      if (refused[0] === undefined || !(await this.#waitAfter(replies[refused[0]], sent))) return replies;
      const again = await this.#pipeline(
        refused.map((at) => commands[at] as RedisCommand),
        true,
      );
      for (const [index, at] of refused.entries()) replies[at] = again[index] ?? null;
    }
  }

  /** Where the server refuses the request as a whole, that is the answer to each of its commands, if asked so. */
  async #pipeline(
    commands: readonly RedisCommand[],
    isForEach: boolean,
  ): Promise<(RedisReply | RedisReplyError)[]> {
    try {
      return await this.#send(commands);
    } catch (error) {
      if (isForEach && isPassing(error)) return commands.map(() => error);
      throw error;
    }
  }

  #send(commands: readonly RedisCommand[]): Promise<(RedisReply | RedisReplyError)[]> {
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

  /** Waits before the next sending. Returns false at once where there is to be none. */
  async #waitAfter(error: unknown, sent: number): Promise<boolean> {
    const waitMs = Math.min(limits.resendWaitMs * 2 ** (sent - 1), limits.resendWaitMsMax);
    const hasTime = this.#clock.now() + waitMs < this.#giveUpAt;
    const isAllowed = this.#hasRoomBeside(limits.requestsUnrepeated);
    if (sent >= sendCountMax(error) || !hasTime || !isAllowed) return false;
    await sleep(this.#clock, waitMs);
    return true;
  }
}

const tooLargeMessage =
  "A request or its reply is larger than the server allows. No message is lost: all stay in the list or return to it. Raise the server's limit, or push smaller messages.";

/** Whether the server refused a request, or could not send its reply, because of its size. */
export function isTooLarge(error: unknown): boolean {
  if (error instanceof RedisTransportError) return error.status === 413;
  return error instanceof RedisReplyError && tooLargeTexts.test(error.message);
}

/** How often to send at most: more often where the server answers that it is not ready yet. */
function sendCountMax(error: unknown): number {
  if (error instanceof RedisTransportError) return error.isRetryable ? limits.sendCountMax : 1;
  return isPassing(error) ? limits.refusedCountMax : 1;
}

/** Each command of a pipeline as a group of its own: see `pipelineOnce`. */
export function eachAlone(commands: readonly RedisCommand[]): number[][] {
  return commands.map((_, at) => [at]);
}

function isPassing(reply: unknown): reply is RedisReplyError {
  return reply instanceof RedisReplyError && passingRefusals.has(reply.prefix);
}
