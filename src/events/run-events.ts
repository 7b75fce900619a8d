import type { Batch, Settlement, TurnResult } from "../broker/broker.ts";
import { passedOn } from "../broker/passed-on.ts";
import { toBytes, toText } from "../bytes.ts";
import { sha1Hex } from "../digest.ts";
import type { ClaimedMessage } from "../handling/message.ts";
import { type SettledAs, settledAs } from "../handling/outcome.ts";
import type { Failure } from "../handling/retry-policy.ts";
import * as limits from "../limits.ts";
import { deadLettersOf, readDeadLetter } from "../operations/dead-letter.ts";
import { ReportBuilder } from "../run/report.ts";
import type { RunParts } from "../run/run-parts.ts";
import type { DrainEvents, EventName, ToldMessage } from "./events.ts";
import { Hooks } from "./hooks.ts";

/** Who is told. */
export interface Told {
  readonly isHeard: boolean;
  /** Lists whose brake a drain has met, with no message acknowledged since. */
  readonly braked: Set<string>;
  hears(name: EventName): boolean;
  tell<Name extends EventName>(name: Name, event: DrainEvents[Name], hooks: Hooks): void;
}

/** The event of each thing that may become of a message; dead letters are told by themselves. */
const eventOf: Partial<Record<SettledAs, "message:acked" | "message:retried" | "message:released">> = {
  ack: "message:acked",
  retry: "message:retried",
  release: "message:released",
};

/** Tells of one run what its broker answers and what its handlers threw. Makes nothing of what nobody listens to. */
export class RunEvents {
  readonly #listeners: Told;
  readonly #parts: RunParts;
  readonly #list: string;
  readonly #hooks = new Hooks();
  /** The report so far, where somebody listened when the run began. */
  readonly #report: ReportBuilder | undefined;

  constructor(listeners: Told, parts: RunParts) {
    this.#listeners = listeners;
    this.#parts = parts;
    this.#list = parts.processor.list;
    if (listeners.hears("drain:progressed")) this.#report = new ReportBuilder(parts.meter);
  }

  toParts(): RunParts {
    const { broker, onFailure, untilTold, onEnd, clock } = this.#parts;
    const noted = async (asked: Promise<TurnResult>, settlement: Settlement | null): Promise<TurnResult> => {
      const result = await asked;
      if (this.#listeners.isHeard) this.#note(result, settlement);
      return result;
    };
    const told = passedOn(broker, {
      claim: (request) => noted(broker.claim(request), null),
      turn: (settlement, request) => noted(broker.turn(settlement, request), settlement),
      settle: (settlement) => noted(broker.settle(settlement), settlement),
    });
    return {
      ...this.#parts,
      broker: told,
      onFailure: (failure) => {
        onFailure?.(failure);
        this.#tellFailure(failure);
      },
      untilTold: async () => {
        await untilTold?.();
        // After a slice other lists have their turn: one listener that never ends must not keep them from it.
        await (onEnd ? this.#hooks.settledWithin(limits.toldMs, clock) : this.#hooks.settled());
      },
    };
  }

  #hears(name: EventName): boolean {
    return this.#listeners.hears(name);
  }

  #tell<Name extends EventName>(name: Name, event: DrainEvents[Name]): void {
    this.#listeners.tell(name, event, this.#hooks);
  }

  #tellFailure({ attempt, error, message }: Failure): void {
    this.#report?.failures.add({ attempt, error, message });
    if (!this.#hears("message:failed")) return;
    this.#tell("message:failed", { list: this.#list, attempt, error, message });
  }

  #note(result: TurnResult, settlement: Settlement | null): void {
    const list = this.#list;
    const { outcomes } = settlement ?? { outcomes: [] };
    // What was wholly lost, or not settled at all, has become nothing here.
    const isSettled = result.lostCount < outcomes.length && result.unsettledCount < outcomes.length;
    const settled = isSettled ? settlement : null;
    if (settled) this.#tellSettled(result, settled);
    this.#tellDeadLetters(result, settled);
    const { lostCount, recovered, batch } = result;
    if (lostCount > 0 && this.#hears("message:lost")) this.#tell("message:lost", { list, count: lostCount });
    if (recovered > 0 && this.#hears("message:recovered"))
      this.#tell("message:recovered", { list, count: recovered });
    if (batch && this.#hears("message:claimed")) this.#tellClaimed(batch);
    const { braked } = this.#listeners;
    if (result.claim === "braked" && !braked.has(list)) {
      braked.add(list);
      if (this.#hears("brake:on")) this.#tell("brake:on", { list, until: result.nextDueAt });
    }
    this.#report?.add(result, settlement);
    if (this.#report && this.#hears("drain:progressed")) {
      const { chain, clock, startedAt } = this.#parts;
      const report = this.#report.finish("budget", clock.now() - startedAt);
      this.#tell("drain:progressed", { list, chain: { ...chain }, report });
    }
  }

  #tellSettled(result: TurnResult, settlement: Settlement): void {
    const { outcomes, batch } = settlement;
    const list = this.#list;
    const lost = new Set(result.lostPlaces);
    // A message that was lost has become nothing.
    const words = (result.settledAs ?? outcomes.map(settledAs)).map((word, at) =>
      lost.has(at) ? "keep" : word,
    );
    for (const [at, word] of words.entries()) {
      const name = eventOf[word];
      if (!name || !this.#hears(name)) continue;
      this.#tell(name, { list, message: new ListMessage(list, batch.messages[at] as ClaimedMessage) });
    }
    if (words.includes("ack") && this.#listeners.braked.delete(list) && this.#hears("brake:off"))
      this.#tell("brake:off", { list });
  }

  #tellDeadLetters(result: TurnResult, settled: Settlement | null): void {
    if (!this.#hears("message:dead-lettered")) return;
    const list = this.#list;
    const letters = result.deadLetters.map((entry) => readDeadLetter(entry, list));
    if (settled) letters.push(...deadLettersOf(settled, result, list));
    for (const letter of letters) this.#tell("message:dead-lettered", { list, letter });
  }

  #tellClaimed({ messages }: Batch): void {
    const list = this.#list;
    for (const claimed of messages)
      this.#tell("message:claimed", { list, message: new ListMessage(list, claimed) });
  }
}

/** What is known of a message before and after it is handled. */
class ListMessage implements ToldMessage {
  readonly list: string;
  readonly #claimed: ClaimedMessage;

  constructor(list: string, claimed: ClaimedMessage) {
    this.list = list;
    this.#claimed = claimed;
  }

  get payload(): string {
    return toText(this.#claimed.raw);
  }

  get bytes(): Uint8Array {
    return toBytes(this.#claimed.raw);
  }

  get id(): string {
    return sha1Hex(this.#claimed.raw);
  }

  get attempt(): number {
    return this.#claimed.earlierAttempts + 1;
  }
}
