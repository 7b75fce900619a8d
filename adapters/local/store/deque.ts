/** A list that is quick at both ends: a ring that grows. Index 0 is the left end. */
export class Deque {
  #ring: (string | undefined)[] = new Array(16);
  #head = 0;
  length = 0;

  at(index: number): string {
    return this.#ring[(this.#head + index) % this.#ring.length] as string;
  }

  /** Puts another value where there is one. */
  set(index: number, value: string): void {
    this.#ring[(this.#head + index) % this.#ring.length] = value;
  }

  pushLeft(value: string): void {
    this.#grow();
    this.#head = (this.#head + this.#ring.length - 1) % this.#ring.length;
    this.#ring[this.#head] = value;
    this.length += 1;
  }

  pushRight(value: string): void {
    this.#grow();
    this.#ring[(this.#head + this.length) % this.#ring.length] = value;
    this.length += 1;
  }

  popLeft(): string {
    const value = this.at(0);
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#ring.length;
    this.length -= 1;
    return value;
  }

  popRight(): string {
    const at = (this.#head + this.length - 1) % this.#ring.length;
    const value = this.#ring[at] as string;
    this.#ring[at] = undefined;
    this.length -= 1;
    return value;
  }

  /** The values from one index to another, both included. */
  slice(first: number, last: number): string[] {
    const values: string[] = [];
    for (let index = first; index <= last; index++) values.push(this.at(index));
    return values;
  }

  /** Makes these the only values. */
  replace(values: readonly string[]): void {
    this.#ring = new Array(Math.max(16, values.length));
    this.#head = 0;
    this.length = 0;
    for (const value of values) this.pushRight(value);
  }

  #grow(): void {
    if (this.length < this.#ring.length) return;
    const values = this.slice(0, this.length - 1);
    this.#ring = values.concat(new Array(values.length));
    this.#head = 0;
  }
}
