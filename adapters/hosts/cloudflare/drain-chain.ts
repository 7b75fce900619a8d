import type { ChainPosition, Continuation, DrainReport } from "../../../src/index.ts";
import { inMsMax, readAsk } from "./alarm-continuation.ts";
import type { CloudflareSettings } from "./options.ts";
import { invokeBeside, openDrain } from "./run.ts";
import type { ObjectState, ObjectStorage } from "./types.ts";

/** The Durable Object class of one Worker. */
export type DrainChainClass<Env> = new (
  state: ObjectState,
  env: Env,
) => { fetch(request: Request): Promise<Response>; alarm(): Promise<void> };

/** What is kept between two alarms. Nothing is kept before a chain begins. */
interface Waiting {
  readonly chain: ChainPosition;
  /** How many drains in a row met a Redis error or found no slot, without progress. */
  readonly failureCount: number;
}

/** An alarm that fires at most this much later than wanted is not moved, ms. Reason: each move is a billed write. */
const slackMs = 100;
/** A tick does not move an alarm that fires within this time, ms. */
const soonMs = 1_000;
const failureCountMax = 6;
const failureWaitMs = 2_000;

/**
 * One object for each chain of a list: idle, armed (an alarm is set), or running (the alarm's handler drains). An alarm that fires
 * twice is harmless, since leases keep the second drain away. The handler never throws for an error of a drain: the platform would
 * repeat the alarm six times, beside everything else. Instead, where Redis failed or all slots of the list were taken (by a drain
 * that was killed, for example, and whose lease has yet to end), it tries again after 2 s, 4 s … 64 s, until a drain makes
 * progress. After that, and after each drain that had nothing to do, the next tick begins again, so that no list keeps an object
 * busy for nothing.
 */
export function drainChainClass<Env>(settings: CloudflareSettings<Env>): DrainChainClass<Env> {
  return class DrainChain {
    readonly #storage: ObjectStorage;
    readonly #env: Env;
    #isRunning = false;
    #isAskedAgain = false;

    constructor(state: ObjectState, env: Env) {
      this.#storage = state.storage;
      this.#env = env;
    }

    async fetch(request: Request): Promise<Response> {
      const asked = readAsk(await request.json().catch(() => null));
      if (!asked) return new Response(null, { status: 400 });
      if (asked.ask === "hop") await this.#arm(asked.inMs, { chain: asked.chain, failureCount: 0 });
      // A drain that asks for help counts this one too.
      else if (this.#isRunning) this.#isAskedAgain ||= asked.chain === null;
      else if (!(await this.#isArmedSoon())) {
        await this.#arm(0, asked.chain && { chain: asked.chain, failureCount: 0 });
      }
      return new Response(null, { status: 204 });
    }

    async alarm(): Promise<void> {
      this.#isRunning = true;
      this.#isAskedAgain = false;
      try {
        const waiting = await this.#storage.get<Waiting>("waiting");
        const chain = waiting?.chain ?? { id: crypto.randomUUID(), hop: 0 };
        const own: Continuation = {
          name: "alarm",
          invoke: (next) => this.#arm(0, { chain: next.chain, failureCount: 0 }),
          invokeLater: (next) => this.#arm(next.inMs, { chain: next.chain, failureCount: 0 }),
          invokeBeside: (next) => invokeBeside(settings, this.#env, next),
        };
        const { drain } = openDrain(settings, this.#env, "alarm", { own });
        await this.#afterDrain(await drain.run({ chain }), chain, waiting);
      } catch (error) {
        // Bad options, or storage that fails: trying again at once would not help.
        console.error("Spillway: the alarm could not drain; the next tick tries again.", error);
      } finally {
        this.#isRunning = false;
      }
    }

    async #afterDrain(
      report: DrainReport,
      chain: ChainPosition,
      waiting: Waiting | undefined,
    ): Promise<void> {
      if (this.#isAskedAgain && report.stopped === "empty") {
        // The messages that it was asked to drain may have been pushed after it saw the empty list, also where it has set a timer.
        await this.#arm(0, null);
        return;
      }
      if (report.continuedWith !== null) return;
      const hasProgress = report.acked + report.deadLettered > 0;
      const failureCount = hasProgress ? 1 : (waiting?.failureCount ?? 0) + 1;
      const isWorthAnother = report.stopped === "error" || report.stopped === "busy";
      if (isWorthAnother && failureCount <= failureCountMax) {
        const next = { id: chain.id, hop: chain.hop + 1 };
        await this.#arm(failureWaitMs * 2 ** (failureCount - 1), { chain: next, failureCount });
      } else if (waiting && (await this.#storage.getAlarm()) === null) {
        await this.#storage.delete("waiting");
      }
    }

    /** Sets an alarm in `inMs` ms, unless one is set that fires sooner. */
    async #arm(inMs: number, waiting: Waiting | null): Promise<null> {
      // An alarm at a time already past may be lost where its object is running.
      const at = Date.now() + Math.max(1, Math.ceil(Math.min(inMs, inMsMax)));
      const armedAt = await this.#storage.getAlarm();
      if (waiting) await this.#storage.put("waiting", waiting);
      if (armedAt === null || armedAt > at + slackMs) await this.#storage.setAlarm(at);
      return null;
    }

    async #isArmedSoon(): Promise<boolean> {
      const armedAt = await this.#storage.getAlarm();
      return armedAt !== null && armedAt <= Date.now() + soonMs;
    }
  };
}
