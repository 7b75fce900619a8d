import { useState } from "preact/hooks";
import { Api, messageOf } from "./api.ts";
import { Icon } from "./icons.tsx";
import { ThemeChoice } from "./theme.tsx";

/** Asks for the token, and tries it before it lets anyone in. */
export function SignIn({
  problem,
  onToken,
}: {
  problem: string | null;
  onToken: (token: string, scopes: readonly string[]) => void;
}) {
  const [token, setToken] = useState("");
  const [said, setSaid] = useState(problem);
  const [isTrying, setIsTrying] = useState(false);

  const enter = async (event: Event): Promise<void> => {
    event.preventDefault();
    const given = token.trim();
    if (given === "") return setSaid("Type in the token first.");
    // A header takes nothing else, and no token has it.
    if (!/^[\x21-\x7e]+$/.test(given)) return setSaid("A token has letters, digits and signs only.");
    setIsTrying(true);
    try {
      const scopes = await new Api(given).scopes();
      if (scopes.some((scope) => scope === "read" || scope === "operate")) return onToken(given, scopes);
      setSaid("This token does not open the dashboard: it needs the scope read or operate.");
    } catch (error) {
      setSaid(messageOf(error));
    }
    setIsTrying(false);
  };

  return (
    <main class="sign-in">
      <form onSubmit={enter}>
        <h1 tabIndex={-1}>
          <Icon name="mark" /> Spillway
        </h1>
        <p class="quiet">
          Give a bearer token of this server with the scope <code>read</code>, or <code>operate</code> to
          change things. It stays in this tab.
        </p>
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={token}
          aria-invalid={said !== null}
          aria-describedby="token-problem"
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <p id="token-problem" class="problem" role="alert">
          {said}
        </p>
        <button type="submit" class="primary" disabled={isTrying}>
          {isTrying ? "Trying…" : "Open the dashboard"}
        </button>
      </form>
      <ThemeChoice />
    </main>
  );
}
