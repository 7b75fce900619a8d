/** The faults that a test has asked for and that have not happened yet, and the count of those that have. */
export class Faults {
  #requestsToLose = 0;
  #repliesToLose = 0;
  /** How many more handlers end before the crash; undefined where no crash is asked for. */
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

  /** Whether the process is to die now. `ended`: how many handlers have ended since the last call. */
  takeCrash(ended: 0 | 1): boolean {
    if (this.#handlersUntilCrash === undefined) return false;
    this.#handlersUntilCrash -= ended;
    if (this.#handlersUntilCrash > 0) return false;
    this.#handlersUntilCrash = undefined;
    return true;
  }
}
