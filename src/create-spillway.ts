import { type Continuation, goOnAndTell } from "./chain/continuation.ts";
import type { ChainPosition } from "./chain/hop.ts";
import { askUntil, checkWaitOptions } from "./chain/wait.ts";
import { begin, wake } from "./chain/wake.ts";
import { makeDrain } from "./create-drain.ts";
import { OptionError } from "./errors.ts";
import { listenersOf } from "./events/listeners.ts";
import { watched } from "./events/watcher.ts";
import { shareOf } from "./handling/retry-policy.ts";
import * as limits from "./limits.ts";
import { endingOf, type ListsReport, reportOf } from "./lists/fair-report.ts";
import { registerOf, runRounds } from "./lists/fair-rounds.ts";
import { runFairly, type Turns } from "./lists/fair-run.ts";
import { slicesOf } from "./lists/fair-slice.ts";
import { keysAsked, type ListMember, ListsLook, type Looks } from "./lists/lists-look.ts";
import { statsOfLists } from "./lists/lists-stats.ts";
import type { Spillway } from "./lists/several-lists.ts";
import {
  checkSpillwayOptions,
  type ListOptions,
  ofList,
  ownOptions,
  type SpillwayOptions,
} from "./lists/spillway-options.ts";
import { registeredDrain, type Tenants } from "./lists/tenants.ts";
import { type CheckedRunOptions, checkRunOptions } from "./options/run-options.ts";
import { attempt, show } from "./options/show.ts";
import { pushContext, pushMessages, watchedPush } from "./push/push.ts";
import { Sender } from "./redis/sender.ts";
import { LiveRuns } from "./run/live-runs.ts";
import { type WholeScaler, wholeScaler } from "./scale/scale-whole.ts";

type Made = ReturnType<typeof makeDrain>;

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
  const { listening, watchers, shared, patterns } = settings;
  const { redis, clock, random, randomId, requestTimeoutMs, name, keys, weights, continuation } = settings;
  const live = new LiveRuns();
  const openSender = (giveUpAt = Number.POSITIVE_INFINITY, requestCountMax?: number): Sender => {
    live.expectOpen();
    return new Sender({ client: redis, clock, requestTimeoutMs, giveUpAt, requestCountMax });
  };
  // A push to one list wakes all of them, too.
  const ofWhole: Partial<Record<"continuation", Continuation>> = continuation
    ? {
        continuation: {
          name: continuation.name,
          invoke: (next) => continuation.invoke({ ...next, list: name }),
        },
      }
    : {};
  const make = (name: string, list: string): Made => {
    const own = ownOptions(settings.lists[name] as ListOptions);
    const given = { ...own, ...shared, ...ofWhole, list, on: listenersOf(own.on, listening) };
    return makeDrain(given, keys.busy);
  };
  const made = new Map<string, Made>();
  let chainsMax = 0;
  let scales = settings.scaleOut ?? false;
  for (const [list, own] of Object.entries(settings.lists)) {
    // For a pattern, a drain is made only to check its options.
    const one = ofList(list, () => make(list, list));
    const { engine, maxConcurrency } = one.parts.settings;
    // A pattern may stand for any number of lists.
    if (engine === "scripted") chainsMax += patterns.has(list) ? limits.chainsMax : maxConcurrency;
    if (settings.scaleOut === undefined) scales ||= engine === "scripted" && maxConcurrency > 1;
    if (!patterns.has(list)) made.set(list, one);
    else if (attempt(() => Object.hasOwn(own, "workingList")))
      throw new OptionError(`lists[${show(list)}].workingList`, "left out: each list has its own", "one");
  }
  chainsMax = Math.min(limits.chainsMax, chainsMax);
  if (settings.scaleOut && !(continuation && chainsMax > 1))
    throw new OptionError(
      "scaleOut",
      "used with a continuation, the scripted engine, and lists that allow more than one drain together (maxConcurrency)",
      "without",
    );
  /** The drains of the tenants that runs have met. Kept while their names stand in the register. */
  const tenants = new Map<string, Made>();
  const tenantOf = (pattern: string, list: string): Made => {
    const one = tenants.get(list) ?? make(pattern, list);
    if (tenants.size >= limits.tenantsKeptMax) tenants.clear();
    tenants.set(list, one);
    return one;
  };
  const looks = new ListsLook();
  const names = Object.keys(settings.lists);
  const turns: Turns = { at: Math.floor(random() * names.length) || 0, credits: new Map() };

  const memberOf = (
    { parts }: Made,
    weight: number,
    whole: CheckedRunOptions,
    chain: ChainPosition,
    startedAt: number,
    scaler?: WholeScaler,
  ): ListMember => {
    // How long one list's messages take says nothing about another's.
    const ofOne = { ...whole, chain: { ...chain, paceUs: undefined } };
    return {
      name: parts.settings.list,
      weight,
      keys: keysAsked(parts),
      run: slicesOf(parts, ofOne, startedAt, { scaleOut: scaler?.ofList(parts) }),
    };
  };

  const runAll = async (whole: CheckedRunOptions): Promise<ListsReport> => {
    const chain = whole.chain ?? { id: randomId(), hop: 0 };
    const about = { list: name, chain, clock, endAt: clock.now() + whole.budgetMs };
    return watched(watchers, about, () => runLists(whole, chain));
  };

  const runLists = async (whole: CheckedRunOptions, chain: ChainPosition): Promise<ListsReport> => {
    const startedAt = clock.now();
    const endAt = startedAt + whole.budgetMs;
    const sender = openSender(endAt, whole.maxRequests);
    if (continuation && chain.hop > 0) await begin(sender, keys);
    // Handlers that one list left running hold up only that list.
    const maxConcurrency = Number.POSITIVE_INFINITY;
    const onward = {
      list: name,
      chain,
      maxConcurrency,
      endAt,
      clock,
      random: () => shareOf(settings),
      randomId,
    };
    const drains = `${keys.base}drains`;
    const scaler = wholeScaler(scales, { ...onward, continuation, chainsMax, drains, sender });
    const weightOf = (name: string): number => weights.get(name) ?? 1;
    const ofRun = {
      isStrict: settings.isStrict,
      turns,
      clock,
      endAt,
      maxMessages: whole.maxMessages,
      maxRequests: whole.maxRequests,
      requestsPerMessage: whole.requestsPerMessage,
      requestsBeside: () => sender.meter.requests + (scaler?.told.started ?? 0),
      isAborted: () => whole.signal?.aborted === true,
    };
    const fixed = (list: string): ListMember =>
      memberOf(made.get(list) as Made, weightOf(list), whole, chain, startedAt, scaler);
    const seen: Looks = {
      any: (...asked) => looks.any(...asked),
      find: async (...asked) => {
        const found = await looks.find(...asked);
        scaler?.noteOpen(found.map((one) => one.name));
        return found;
      },
    };
    const fair =
      patterns.size === 0
        ? await runFairly({
            ...ofRun,
            members: names.map(fixed),
            look: (questions) => seen.find(sender, questions),
          })
        : await runRounds({
            ...ofRun,
            names,
            patterns,
            looks: seen,
            sender,
            randomId,
            memberOf: fixed,
            tenantOf: (pattern, list, part) =>
              memberOf(tenantOf(pattern, list), part * weightOf(pattern), whole, chain, startedAt, scaler),
            onForget: (list) => void tenants.delete(list),
          });
    const isSurplus = await scaler?.ended(fair.stopped);
    const { requests, commands } = sender.meter;
    const report = reportOf(fair, { requests, commands, elapsedMs: clock.now() - startedAt });
    const told = isSurplus ? {} : await goOnAndTell(continuation, endingOf(fair, report), onward);
    return { ...report, ...scaler?.told, ...told };
  };

  const close = async (): Promise<void> => {
    await live.end();
    for (const { drain } of [...made.values(), ...tenants.values()]) await drain.close();
    await redis.close();
  };

  /** The lists that exist now. A pattern gives the lists in its register, or some of them where there are many. */
  const drainsNow = async (sender: Sender): Promise<[string, Made][]> => {
    const found = [...made];
    for (const [pattern, one] of patterns)
      for (const list of (await one.names(sender)).names) found.push([list, tenantOf(pattern, list)]);
    return found;
  };

  const registerFor = (list: string): Tenants => {
    const register = [...patterns.values()].find((one) => one.fits(list));
    if (!register) throw new OptionError("list", `one of ${names.map(show).join(", ")}`, show(list));
    return register;
  };

  const wakeAll = () =>
    wake({
      settings: { ...settings, list: name, engine: "scripted", workingList: undefined },
      keys,
      openSender,
    });

  const spillway: Spillway = {
    list: name,
    on: listening.on,
    lists: Object.fromEntries([...made].map(([list, { drain }]) => [list, drain])),
    drainOf(list) {
      const known = made.get(list);
      if (known) return known.drain;
      const register = registerFor(list);
      const { drain } = make(register.pattern, list);
      const add = () => register.add(openSender(), list);
      return registeredDrain(drain, add, (messages, options) => spillway.push(list, messages, options));
    },
    async run(runOptions = {}) {
      return { lists: {}, ...(await live.run(checkRunOptions(runOptions), runAll)) };
    },
    stats: async () => statsOfLists({ made, patterns, tenantOf, sender: openSender(), randomId }),
    async push(list, payloads, pushOptions) {
      const known = made.get(list);
      if (known) return known.drain.push(payloads, pushOptions);
      const register = registerFor(list);
      const { parts } = make(register.pattern, list);
      const lane = { sender: parts.openSender(), keys: parts.keys };
      const context = {
        ...pushContext(parts.settings, [lane], async () => [await wakeAll()]),
        // Runs find the messages only by the name in the register.
        landed: () => register.add(openSender(), list),
      };
      return watchedPush(parts.settings, payloads, (given) =>
        pushMessages(context, given, pushOptions ?? {}),
      );
    },
    wake: wakeAll,
    async waitForMessage(waitOptions) {
      const { timeoutMs, signal } = checkWaitOptions(waitOptions);
      const sender = openSender();
      const whole = checkRunOptions({});
      const chain = { id: name, hop: 0 };
      const ask = (member: ListMember) => ({ member, about: "new" as const });
      const member = ([, one]: [string, Made]) => ask(memberOf(one, 1, whole, chain, clock.now()));
      const asked = [...[...made].map(member), ...[...patterns.values()].map((one) => ask(registerOf(one)))];
      const hasMessage = async (): Promise<boolean> => {
        if (!(await looks.any(sender, asked))) return false;
        // A name in a register says only that there may be messages.
        return patterns.size === 0 || looks.any(sender, (await drainsNow(sender)).map(member));
      };
      return askUntil(hasMessage, clock.now() + timeoutMs, clock, signal);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return spillway;
}
