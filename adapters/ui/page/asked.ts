import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "./api.ts";

export interface Asked<Value> {
  readonly value: Value | null;
  readonly problem: string | null;
  /** Asks again now. */
  readonly again: () => void;
}

/** How often what changes by itself is asked for again, at most, ms. */
const quietMs = 4_000;

/** What the API answers: asked anew where `key` changes, and a while after `pulse` does. */
export function useAsked<Value>(ask: () => Promise<Value>, key: string, pulse: unknown): Asked<Value> {
  const [answer, setAnswer] = useState<{ key: string; value: Value | null; problem: string | null }>();
  const newest = useRef({ ask, count: 0, askedAt: 0 });
  newest.current.ask = ask;
  const again = useCallback(() => {
    const state = newest.current;
    state.count += 1;
    state.askedAt = Date.now();
    const { count } = state;
    const take = (value: Value | null, problem: string | null): void => {
      // What was asked before comes too late.
      if (count === newest.current.count) setAnswer({ key, value, problem });
    };
    state.ask().then(
      (value) => take(value, null),
      (error) => take(null, messageOf(error)),
    );
  }, [key]);
  useEffect(again, [again]);
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    const timer = setTimeout(again, Math.max(0, newest.current.askedAt + quietMs - Date.now()));
    return () => clearTimeout(timer);
  }, [pulse, again]);
  const isCurrent = answer?.key === key;
  return { value: isCurrent ? answer.value : null, problem: isCurrent ? answer.problem : null, again };
}
