import { useId, useMemo, useState } from "preact/hooks";
import type { ShownPayload } from "./api.ts";
import { showBytes } from "./format.ts";
import { asHex, asJson, type PayloadForm, shownMax } from "./payload-forms.ts";
import { attempt } from "./session.ts";
import { ShownText } from "./shown-text.tsx";

/** A payload as text, as JSON where it is some, and byte by byte. Never as markup. */
export function PayloadView({ of: { payload, base64, size } }: { of: ShownPayload }) {
  const bytes = useMemo(() => bytesOf(payload, base64), [payload, base64]);
  const json = useMemo(
    () => (base64 === null && bytes.length === size ? asJson(payload) : null),
    [payload, base64, bytes, size],
  );
  const [chosen, setChosen] = useState<PayloadForm>(
    json !== null ? "json" : base64 === null ? "text" : "hex",
  );
  const [isMore, setIsMore] = useState(false);
  const id = useId();
  const forms: [PayloadForm, string][] = [
    ["text", "Text"],
    ["json", "JSON"],
    ["hex", "Hex"],
  ];
  const whole = chosen === "json" && json !== null ? json : payload;
  const length = chosen === "hex" ? bytes.length : whole.length;
  const { first, most } = shownMax[chosen];
  const end = isMore ? most : first;
  const shown = chosen === "hex" ? asHex(bytes.subarray(0, end)) : whole.slice(0, end);
  return (
    <section class="payload" aria-label="Payload">
      <div class="payload-head">
        <fieldset class="forms">
          <legend class="sr-only">Show the payload as</legend>
          {forms.map(([form, text]) => (
            <label key={form}>
              <input
                type="radio"
                name={id}
                value={form}
                checked={form === chosen}
                disabled={form === "json" && json === null}
                onChange={() => setChosen(form)}
              />
              <span>{text}</span>
            </label>
          ))}
        </fieldset>
        <span class="quiet">
          {showBytes(size)}
          {bytes.length < size && `, of which the first ${showBytes(bytes.length)} are here`}
          {base64 !== null && ", not UTF-8"}
        </span>
        <CopyButton text={() => (chosen === "hex" ? asHex(bytes) : whole)} />
      </div>
      {size === 0 ? (
        <p class="empty">The payload is empty.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
        <pre tabIndex={0}>
          <ShownText text={shown} />
        </pre>
      )}
      {length > first && (
        <p class="payload-more">
          <button type="button" onClick={() => setIsMore(!isMore)}>
            {isMore ? "Show less" : "Show more"}
          </button>
          {length > end && <span class="quiet"> There is more; Copy takes all that is here.</span>}
        </p>
      )}
    </section>
  );
}

function CopyButton({ text }: { text: () => string }) {
  const [said, setSaid] = useState("Copy");
  const copy = (): void => {
    navigator.clipboard?.writeText(text()).then(
      () => setSaid("Copied"),
      () => setSaid("Not allowed"),
    );
  };
  return navigator.clipboard ? (
    <button type="button" class="plain" onClick={copy}>
      {said}
    </button>
  ) : null;
}

function bytesOf(payload: string, base64: string | null): Uint8Array {
  if (base64 === null) return new TextEncoder().encode(payload);
  const raw = attempt(() => atob(base64)) ?? "";
  return Uint8Array.from(raw, (char) => char.charCodeAt(0));
}
