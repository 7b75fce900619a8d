import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Whether the long tests run, which have the time to try more. */
    isLong: boolean;
  }
}

/** How many cases a property is tried with: all of these in the long tests, a fifth in the quick ones. */
export function propertyRuns(count: number): number {
  return inject("isLong") ? count : Math.ceil(count / 5);
}
