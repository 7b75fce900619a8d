/** The faults that a test has asked for and that have not come yet, and how many have. */
export class Faults {
  #requestsToLose = 0;
  #repliesToLose = 0;
  /** Handlers that may yet end before the crash; undefined where none is asked for. */
  #handlersUntilCrash: number | undefined;
  lostCount = 0;

  loseRequests(count: number): void {
    this.#requestsToLose += count;
  }

  loseReplies(count: number): void {
    this.#repliesToLose += count;
  }

  crashAfter(handlers: number): void {
    this.#handlersUntilCrash = handlers;
  }

  /** Whether this request is to be lost. */
  takeRequest(): boolean {
    if (this.#requestsToLose === 0) return false;
    this.#requestsToLose -= 1;
    this.lostCount += 1;
    return true;
  }

  /** Whether the reply that has come is to be lost. */
  takeReply(): boolean {
    if (this.#repliesToLose === 0) return false;
    this.#repliesToLose -= 1;
    this.lostCount += 1;
    return true;
  }

  /** Whether the process is to die now, where so many more handlers have ended. */
  takeCrash(ended: 0 | 1): boolean {
    if (this.#handlersUntilCrash === undefined) return false;
    this.#handlersUntilCrash -= ended;
    if (this.#handlersUntilCrash > 0) return false;
    this.#handlersUntilCrash = undefined;
    return true;
  }
}
