const signals = ["SIGTERM", "SIGINT"] as const;

/** The functions that a signal calls in this process, which ends when all of them have stopped. */
const stops = new Set<() => Promise<boolean>>();

/**
 * Calls `stop` at the first SIGTERM or SIGINT. Once all functions that were given here have stopped, it ends the process: with code
 * 0, or 1 where a `stop` resolved with false. A program that listens for the signal itself must end itself. At the second signal
 * nothing listens here any more, so it ends the process at once. Returns a function that removes `stop`.
 */
export function stopBySignal(stop: () => Promise<boolean>): () => void {
  // Placed before all other listeners: one that listens only once is no longer counted after its call.
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
  // An open connection, or the timer of a handler that was left behind, would keep the process alive.
  if (isAlone) process.exit(isClean.every(Boolean) ? 0 : 1);
}
