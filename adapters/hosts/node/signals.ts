const signals = ["SIGTERM", "SIGINT"] as const;

/**
 * Stops at the first SIGTERM or SIGINT, and then ends the process: with code 0, or 1 where `stop` resolves with false. A
 * program that listens for the signal too ends itself. The second signal finds nobody here, and ends a process that does not
 * listen for it at once. Returns what takes the listeners away.
 */
export function stopBySignal(stop: () => Promise<boolean>): () => void {
  const forget = (): void => {
    for (const name of signals) process.off(name, onSignal);
  };
  const onSignal = async (name: NodeJS.Signals): Promise<void> => {
    const isAlone = process.listenerCount(name) === 1;
    forget();
    const isClean = await stop();
    // A client's connection, or the timer of a handler that was left, would keep it alive.
    if (isAlone) process.exit(isClean ? 0 : 1);
  };
  // Before all others: one that listens once is counted only while it has not been called.
  for (const name of signals) process.prependListener(name, onSignal);
  return forget;
}
