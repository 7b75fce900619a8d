/** Waits for it, no longer than the time, and says whether it came. */
export async function isWithin(ms: number, awaited: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeOut = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const isFirst = await Promise.race([awaited.then(() => true), timeOut]);
  clearTimeout(timer);
  return isFirst;
}
