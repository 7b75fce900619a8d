import type { DrainStats } from "./broker.ts";
import { sleep } from "./clock.ts";
import { type Continuation, type Ending, goOn } from "./continuation.ts";
import { type Drain, type HostedDrain, makeDrain } from "./create-drain.ts";
import { ClosedError, OptionError } from "./errors.ts";
import { endingOf, type ListsReport, reportOf } from "./fair-report.ts";
import { runFairly, type SliceOptions, type Turns } from "./fair-run.ts";
import { asError } from "./guest.ts";
import type { ChainPosition } from "./hop.ts";
import * as limits from "./limits.ts";
import { type ListMember, ListsLook } from "./lists-look.ts";
import type { PushResult } from "./push.ts";
import type { Pushable, PushOptions } from "./push-options.ts";
import { brokenReport } from "./report.ts";
import { type CheckedRunOptions, checkRunOptions, type RunOptions } from "./run-options.ts";
import { Sender } from "./sender.ts";
import { sharedWorkingList } from "./shared-working-list.ts";
import { show } from "./show.ts";
import { checkSpillwayOptions, ofList, ownOptions, type SpillwayOptions } from "./spillway-options.ts";
import { checkWaitOptions } from "./wait.ts";
import { type Woken, wake } from "./wake.ts";

/** Several lists in one deployment: every host takes it as it takes a drain. */
export interface Spillway extends HostedDrain {
  /** The name of the whole, by which hops know it. */
  readonly list: string;
  /** The drain of each list, by its name. */
  readonly lists: Readonly<Record<string, Drain>>;
  /**
   * Drains all lists within one budget, as `priority` says, and goes on, where it must, by one continuation for all. A list that
   * is busy, paused, limited or braked holds up no other. Never rejects, as a drain does not.
   */
  run(options?: RunOptions): Promise<ListsReport>;
  /** The sums over all lists, and each list's own. Throws the Redis errors. */
  stats(): Promise<DrainStats & { readonly lists: Readonly<Record<string, DrainStats>> }>;
  /** Pushes to one of the lists, as its drain does. Throws `OptionError` for a list that there is not. */
  push(
    list: string,
    payloads: Pushable | Iterable<Pushable> | AsyncIterable<Pushable>,
    options?: PushOptions,
  ): Promise<PushResult & Woken>;
}

/**
 * Makes several drains that share a Redis, a budget and a chain. Throws `OptionError` naming the option, what it must be, and
 * what was given.
 *
 * @example
 * const spillway = createSpillway({
 *   redis: upstash({ url, token }),
 *   lists: { emails: { handler: sendEmail }, images: { handler: resize, concurrency: 2 } },
 *   priority: { emails: 3 },
 * });
 * export const handler = lambdaHandler(spillway);
 */
export function createSpillway(options: SpillwayOptions): Spillway {
  const settings = checkSpillwayOptions(options);
  const { redis, clock, random, randomId, requestTimeoutMs, name, keys, weights, continuation } = settings;
  let isClosed = false;
  const openSender = (giveUpAt = Number.POSITIVE_INFINITY, requestCountMax?: number): Sender => {
    if (isClosed) throw new ClosedError("drain");
    return new Sender({ client: redis, clock, requestTimeoutMs, giveUpAt, requestCountMax });
  };
  const shared = { redis, clock, random, randomId, requestTimeoutMs };
  // A push to one list, too, wakes the whole.
  const ofWhole: Partial<Record<"continuation", Continuation>> = continuation
    ? {
        continuation: {
          name: continuation.name,
          invoke: (next) => continuation.invoke({ ...next, list: name }),
        },
      }
    : {};
  const made = new Map<string, ReturnType<typeof makeDrain>>();
  for (const [list, own] of Object.entries(settings.lists)) {
    made.set(
      list,
      ofList(list, () => makeDrain({ ...ownOptions(own), ...shared, ...ofWhole, list })),
    );
  }
  const looks = new ListsLook();
  const turns: Turns = { at: Math.floor(random() * made.size) || 0, credits: new Map() };

  const memberOf = (list: string, whole: CheckedRunOptions, chain: ChainPosition): ListMember => {
    const { parts } = made.get(list) as ReturnType<typeof makeDrain>;
    return {
      name: list,
      weight: weights.get(list) ?? 1,
      keys: keysAsked(parts),
      run: async ({ mayClaim, ...slice }: SliceOptions) => {
        let ending: Ending | undefined;
        const own = {
          continuation: undefined,
          mayClaim,
          onEnd: (given: Ending) => {
            ending = given;
          },
        };
        // What the messages of one list take says nothing of another's.
        const given = { ...whole, ...slice, chain: { ...chain, paceUs: undefined } };
        const report = await parts.runWith(given, own).catch(brokenReport);
        const { stopped, remaining, nextDueAt } = report;
        const none = { progressCount: 0, retriedCount: 0, leftUntil: null, redisNow: null };
        return { report, ending: ending ?? { ...none, stopped, remaining, nextDueAt } };
      },
    };
  };

  const runAll = async (whole: CheckedRunOptions): Promise<ListsReport> => {
    const startedAt = clock.now();
    const endAt = startedAt + whole.budgetMs;
    const chain = whole.chain ?? { id: randomId(), hop: 0 };
    const sender = openSender(endAt, whole.maxRequests);
    // Who wakes after this finds no mark: this run sees what was pushed before.
    if (continuation && chain.hop > 0) await sender.command(() => ["DEL", keys.busy]).catch(() => undefined);
    const fair = await runFairly({
      members: [...made.keys()].map((list) => memberOf(list, whole, chain)),
      isStrict: settings.isStrict,
      look: (questions) => looks.find(sender, questions),
      turns,
      clock,
      endAt,
      maxMessages: whole.maxMessages,
      maxRequests: whole.maxRequests,
      requestsOfLooks: () => sender.meter.requests,
      isAborted: () => whole.signal?.aborted === true,
    });
    const { requests, commands } = sender.meter;
    const report = reportOf(fair, { requests, commands, elapsedMs: clock.now() - startedAt });
    if (!continuation) return report;
    const ending = endingOf(fair, report);
    // What one list left running holds up that list alone.
    const onward = {
      list: name,
      chain,
      maxConcurrency: Number.POSITIVE_INFINITY,
      endAt,
      clock,
      random,
      randomId,
    };
    try {
      const said = await goOn(continuation, ending, onward);
      if (said === "ended") return report;
      return said === "continued" ? { ...report, continuedWith: continuation.name } : { ...report, ...said };
    } catch (error) {
      return { ...report, error: asError(error) };
    }
  };

  const close = async (): Promise<void> => {
    isClosed = true;
    for (const { drain } of made.values()) await drain.close();
  };

  return {
    list: name,
    lists: Object.fromEntries([...made].map(([list, { drain }]) => [list, drain])),
    async run(runOptions = {}) {
      const checked = checkRunOptions(runOptions);
      if (isClosed) throw new ClosedError("drain");
      return runAll(checked).catch((error) => ({ ...brokenReport(error), lists: {} }));
    },
    async stats() {
      const all = await Promise.all(
        [...made].map(async ([list, { drain }]) => [list, await drain.stats()] as const),
      );
      return { ...sumOfStats(all.map(([, stats]) => stats)), lists: Object.fromEntries(all) };
    },
    async push(list, payloads, pushOptions) {
      const known = made.get(list);
      if (!known)
        throw new OptionError("list", `one of ${[...made.keys()].map(show).join(", ")}`, show(list));
      return known.drain.push(payloads, pushOptions);
    },
    wake: async () =>
      wake({
        settings: { ...settings, list: name, engine: "scripted", workingList: undefined },
        keys,
        openSender,
      }),
    async waitForMessage(waitOptions) {
      const { timeoutMs, signal } = checkWaitOptions(waitOptions);
      const sender = openSender();
      const whole = checkRunOptions({});
      const chain = { id: name, hop: 0 };
      const asked = [...made.keys()].map((list) => ({
        member: memberOf(list, whole, chain),
        about: "new" as const,
      }));
      const endAt = clock.now() + timeoutMs;
      while (!signal?.aborted) {
        if ((await looks.find(sender, asked)).length > 0) return true;
        const leftMs = endAt - clock.now();
        if (leftMs <= 0) return false;
        await sleep(clock, Math.min(leftMs, limits.askMs));
      }
      return false;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function keysAsked({ settings, keys }: ReturnType<typeof makeDrain>["parts"]): ListMember["keys"] {
  const { list, leases, delayed, parked, seen } = keys;
  const held = settings.engine === "scripted" ? [leases] : [sharedWorkingList(settings, keys), seen];
  return { any: [list, delayed, parked, ...held], new: [list] };
}

function sumOfStats(all: readonly DrainStats[]): DrainStats {
  const sum = (of: (stats: DrainStats) => number): number => all.reduce((total, one) => total + of(one), 0);
  const due = all.map(({ nextDueAt }) => nextDueAt).filter((one) => one !== null);
  return {
    list: sum((one) => one.list),
    working: sum((one) => one.working),
    leases: sum((one) => one.leases),
    delayed: sum((one) => one.delayed),
    dead: sum((one) => one.dead),
    parked: sum((one) => one.parked),
    parkedKeys: sum((one) => one.parkedKeys),
    nextDueAt: due.length > 0 ? Math.min(...due) : null,
    paused: all.every((one) => one.paused),
  };
}
