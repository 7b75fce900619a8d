const signals = ["SIGTERM", "SIGINT"] as const;

/** What stops by a signal in this process, which ends when all of it has. */
const stops = new Set<() => Promise<boolean>>();

/**
 * Stops at the first SIGTERM or SIGINT, and then ends the process, when everything that was given here has stopped: with
 * code 0, or 1 where a `stop` resolves with false. A program that listens for the signal too ends itself. The second signal
 * finds nobody here, and ends a process that does not listen for it at once. Returns what takes `stop` away.
 */
export function stopBySignal(stop: () => Promise<boolean>): () => void {
  // Before all others: one that listens once is counted only while it has not been called.
  if (stops.size === 0) for (const name of signals) process.prependListener(name, onSignal);
  stops.add(stop);
  return () => {
    stops.delete(stop);
    if (stops.size === 0) for (const name of signals) process.off(name, onSignal);
  };
}

async function onSignal(name: NodeJS.Signals): Promise<void> {
  const isAlone = process.listenerCount(name) === 1;
  const stopping = [...stops];
  stops.clear();
  for (const each of signals) process.off(each, onSignal);
  const isClean = await Promise.all(stopping.map((stop) => stop()));
  // A client's connection, or the timer of a handler that was left, would keep it alive.
  if (isAlone) process.exit(isClean.every(Boolean) ? 0 : 1);
}
