/** How long handlers may run on within a grace, ms. The rest is for settling. */
export function abortMsOf(graceMs: number): number {
  return Math.round(Math.max(graceMs - 1_000, (graceMs * 3) / 4));
}

/** Waits for a promise, at most `ms`, and returns whether it has settled. */
export async function isWithin(ms: number, awaited: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeOut = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const isFirst = await Promise.race([awaited.then(() => true), timeOut]);
  clearTimeout(timer);
  return isFirst;
}
