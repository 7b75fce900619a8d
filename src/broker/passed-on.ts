import type { Broker } from "./broker.ts";

/** A broker with some of its verbs replaced, and the others as they are. */
export function passedOn(broker: Broker, verbs: Partial<Broker>): Broker {
  return {
    look: (...asked) => broker.look(...asked),
    isPaused: () => broker.isPaused(),
    claim: (request) => broker.claim(request),
    turn: (settlement, request) => broker.turn(settlement, request),
    settle: (settlement) => broker.settle(settlement),
    recover: () => broker.recover(),
    markDone: broker.markDone?.bind(broker),
    stats: () => broker.stats(),
    ...verbs,
  };
}
