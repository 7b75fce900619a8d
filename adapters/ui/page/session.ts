import { createContext } from "preact";
import { useContext, useEffect, useReducer } from "preact/hooks";
import type { Api } from "./api.ts";
import type { Live, Sight } from "./live.ts";

/** What every part of the page works with once the token is known. */
export interface Session {
  readonly api: Api;
  readonly live: Live;
  /** Whether the token opens what changes anything. */
  readonly canOperate: boolean;
  /** Says what an action has come to, where it is seen and read out. */
  readonly say: (text: string, isError?: boolean) => void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("There is no session here.");
  return session;
}

/** The newest sight of all lists; whoever asks is drawn again with each. */
export function useSight(): Sight {
  const { live } = useSession();
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => live.subscribe(() => draw(null as never)), [live]);
  return live.sight;
}

const key = "spillway-token";

/** The token is kept for this tab and until it closes; where the browser keeps nothing, until the page is left. */
export const keptToken = {
  read: (): string | null => attempt(() => sessionStorage.getItem(key)),
  write: (token: string): void => void attempt(() => sessionStorage.setItem(key, token)),
  forget: (): void => void attempt(() => sessionStorage.removeItem(key)),
};

export function attempt<Result>(call: () => Result): Result | null {
  try {
    return call();
  } catch {
    return null;
  }
}
