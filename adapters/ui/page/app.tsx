import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Api, ApiError, messageOf } from "./api.ts";
import { showAgo } from "./format.ts";
import { Icon } from "./icons.tsx";
import { ListPage } from "./list-page.tsx";
import { ListsPage } from "./lists-page.tsx";
import { Live } from "./live.ts";
import { partsOf } from "./payload-forms.ts";
import { useRoute } from "./route.ts";
import { keptToken, type Session, SessionContext, useSight } from "./session.ts";
import { SignIn } from "./sign-in.tsx";
import { ThemeChoice } from "./theme.tsx";

/** The whole page: the question for the token, and behind it the lists. */
export function App() {
  const [token, setToken] = useState(keptToken.read);
  const [scopes, setScopes] = useState<readonly string[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const leave = useCallback((why: string | null) => {
    keptToken.forget();
    setScopes(null);
    setToken(null);
    setProblem(why);
  }, []);
  useEffect(() => {
    if (token === null || scopes !== null) return;
    new Api(token).scopes().then(setScopes, (error) => {
      // A server that is away says nothing about the token.
      if (error instanceof ApiError && (error.status === 0 || error.status >= 500)) setScopes(["read"]);
      else leave(messageOf(error));
    });
  }, [token, scopes, leave]);
  if (token === null) {
    return (
      <SignIn
        key={problem}
        problem={problem}
        onToken={(given, opened) => {
          keptToken.write(given);
          setScopes(opened);
          setToken(given);
        }}
      />
    );
  }
  if (scopes === null) return <main class="sign-in" aria-busy="true" />;
  return <Operating key={token} token={token} canOperate={scopes.includes("operate")} onLeave={leave} />;
}

function Operating({
  token,
  canOperate,
  onLeave,
}: {
  token: string;
  canOperate: boolean;
  onLeave: (why: string | null) => void;
}) {
  const [said, say] = useNotice();
  const session = useMemo<Session>(() => {
    const api = new Api(token);
    return { api, live: new Live(api, (error) => onLeave(error.message)), canOperate, say };
  }, [token, canOperate, onLeave, say]);
  useEffect(() => session.live.start(), [session]);
  return (
    <SessionContext.Provider value={session}>
      <button type="button" class="skip" onClick={toMain}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#/">
          <Icon name="mark" /> Spillway
        </a>
        <Connection />
        {!canOperate && <span class="chip">Read only</span>}
        <ThemeChoice />
        <button type="button" class="plain" onClick={() => onLeave(null)}>
          Sign out
        </button>
      </header>
      <main id="main">
        <Trouble />
        <Shown />
      </main>
      <div class="notice-place" role="status">
        {said && <p class={said.isError ? "notice error" : "notice"}>{said.text}</p>}
      </div>
    </SessionContext.Provider>
  );
}

function toMain(): void {
  document.querySelector<HTMLElement>("main h1")?.focus();
}

function Shown() {
  const route = useRoute();
  const seen = useRef(route.list);
  useEffect(() => {
    document.title =
      route.list === null ? "Spillway" : `${partsOf(route.list.slice(0, 60)).join("")} · Spillway`;
    if (seen.current === route.list) return;
    seen.current = route.list;
    document.querySelector<HTMLElement>("main h1")?.focus();
    scrollTo(0, 0);
  }, [route.list]);
  return route.list === null ? (
    <ListsPage />
  ) : (
    <ListPage key={route.list} list={route.list} view={route.view} />
  );
}

function Connection() {
  const { connection } = useSight();
  const text = { connecting: "Connecting…", live: "Live", lost: "Not connected" }[connection];
  return (
    <span class={`connection ${connection}`} role="status">
      <i aria-hidden="true" />
      {text}
    </span>
  );
}

/** Why what is shown is old, where it is. */
function Trouble() {
  const { connection, problem, at } = useSight();
  if (connection !== "lost") return null;
  const since = at === null ? "" : ` What is here was read ${showAgo(Date.now() - at)}.`;
  return (
    <p class="trouble">
      {problem} It is tried again and again.{since}
    </p>
  );
}

/** What was said last: for a while, or until the next. */
function useNotice() {
  const [said, setSaid] = useState<{ text: string; isError: boolean } | null>(null);
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(setSaid, said.isError ? 15_000 : 6_000, null);
    return () => clearTimeout(timer);
  }, [said]);
  const say = useCallback((text: string, isError = false) => setSaid({ text, isError }), []);
  return [said, say] as const;
}
