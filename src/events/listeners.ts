import { ContinuationError, OptionError } from "../errors.ts";
import { isA } from "../handling/guest.ts";
import { type Checker, checkOptions, func, table } from "../options/option-kinds.ts";
import { show } from "../options/show.ts";
import type { DrainReport } from "../run/report.ts";
import type { RunParts } from "../run/run-parts.ts";
import {
  type DrainEvents,
  type EventListeners,
  type EventName,
  eventNames,
  type Listener,
} from "./events.ts";
import { Hooks } from "./hooks.ts";
import { RunEvents, type Told } from "./run-events.ts";
import type { WatchedRun, Watcher } from "./watcher.ts";

/** Adds a listener and returns a function that removes it. Throws `OptionError` for an unknown event. */
export type On = <Name extends EventName>(name: Name, listener: Listener<Name>) => () => void;

/** Listeners to the events of a drain, as `listeners` makes them. */
export interface Listeners extends Watcher {
  readonly on: On;
}

/**
 * Makes listeners for the option `on`. `createDrain` makes them from a plain object by itself. A Worker ships them only where
 * they are given: `on: listeners({ "message:dead-lettered": ({ letter }) => … })`. Throws `OptionError` for an unknown event.
 */
export function listeners(given: EventListeners = {}): Listeners {
  return new ListenerSet(given);
}

/** The listeners of a drain. `whole`: those of the several lists it belongs to, which get its events too. */
export function listenersOf(given: unknown = {}, whole?: Listeners): ListenerSet {
  if (isA(given, ListenerSet)) return whole ? new ListenerSet({}, [given, whole as ListenerSet]) : given;
  return new ListenerSet(given, whole ? [whole as ListenerSet] : []);
}

export class ListenerSet implements Listeners, Told {
  readonly #own = new Map<EventName, Set<Listener<never>>>();
  readonly #others: readonly ListenerSet[];
  readonly braked = new Set<string>();

  constructor(given: unknown, others: readonly ListenerSet[] = []) {
    this.#others = others;
    const kinds: Record<string, Checker<unknown>> = Object.fromEntries(
      eventNames.map((name) => [name, func()]),
    );
    const { on } = checkOptions({ on: table(kinds) }, { on: given });
    for (const [name, listener] of Object.entries(on as object))
      if (listener) this.on(name as EventName, listener as Listener<EventName>);
  }

  on: On = (name, listener) => {
    if (!eventNames.includes(name))
      throw new OptionError("event", `one of ${eventNames.join(", ")}`, show(name));
    if (typeof listener !== "function") throw new OptionError("listener", "a function", show(listener));
    const all = this.#own.get(name) ?? new Set();
    this.#own.set(name, all);
    // A listener that is added twice is called twice, and each is removed by itself.
    const own: Listener<never> = (event) => listener(event);
    all.add(own);
    return () => {
      all.delete(own);
      if (all.size === 0 && this.#own.get(name) === all) this.#own.delete(name);
    };
  };

  /** Whether anyone listens to any event. */
  get isHeard(): boolean {
    return this.#own.size > 0 || this.#others.some((one) => one.isHeard);
  }

  hears(name: EventName): boolean {
    return this.#own.has(name) || this.#others.some((one) => one.hears(name));
  }

  tell<Name extends EventName>(name: Name, event: DrainEvents[Name], hooks: Hooks): void {
    // A listener that is added meanwhile gets the next event.
    for (const listener of [...(this.#own.get(name) ?? [])]) hooks.tell(listener as Listener<Name>, event);
    for (const one of this.#others) one.tell(name, event, hooks);
  }

  watch(parts: RunParts): RunParts {
    return new RunEvents(this, parts).toParts();
  }

  async around<Report extends DrainReport>(
    { list, chain, clock, endAt }: WatchedRun,
    run: () => Promise<Report>,
  ): Promise<Report> {
    const hooks = new Hooks();
    // A copy, so that a listener cannot change the run.
    const about = { list, chain: { ...chain } };
    if (this.hears("drain:started")) this.tell("drain:started", about, hooks);
    const report = await run();
    const { continuedWith, declined, error } = report;
    if (continuedWith !== null && this.hears("continuation:invoked"))
      this.tell("continuation:invoked", { ...about, name: continuedWith }, hooks);
    if (declined !== null && this.hears("continuation:declined"))
      this.tell("continuation:declined", { ...about, reason: declined }, hooks);
    if (isA(error, ContinuationError) && this.hears("continuation:failed"))
      this.tell("continuation:failed", { ...about, error }, hooks);
    if (this.hears("drain:stopped")) this.tell("drain:stopped", { ...about, report: { ...report } }, hooks);
    await hooks.settledWithin(endAt - clock.now(), clock);
    return report;
  }
}
