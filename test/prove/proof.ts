/** What one part of the proof showed. */
export interface Proof {
  readonly isHolding: boolean;
  /** One line of figures. */
  readonly line: string;
  /** What broke, the first few. */
  readonly problems: readonly string[];
}
