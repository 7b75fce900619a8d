import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { DeadLetterWhere } from "../../../src/index.ts";

const ages = [
  ["", "at any time"],
  ["3600000", "in the last hour"],
  ["86400000", "in the last day"],
  ["604800000", "in the last week"],
] as const;

/** The question for dead letters: asked when it is sent, for each looks through all of them. */
export function DeadLetterSearch({
  where,
  onSearch,
  children,
}: {
  where: DeadLetterWhere;
  onSearch: (where: DeadLetterWhere) => void;
  children: ComponentChildren;
}) {
  const [text, setText] = useState(where.text ?? "");
  const [reason, setReason] = useState(where.reason ?? "");
  const [errorName, setErrorName] = useState(where.errorName ?? "");
  const [age, setAge] = useState("");
  const search = (event: Event): void => {
    event.preventDefault();
    onSearch({
      ...(text && { text }),
      ...(reason && { reason }),
      ...(errorName && { errorName }),
      ...(age && { since: Date.now() - Number(age) }),
    });
  };
  const clear = (): void => {
    for (const set of [setText, setReason, setErrorName, setAge]) set("");
    onSearch({});
  };
  return (
    <form class="bar" onSubmit={search}>
      <label class="grow">
        Text
        <input
          type="search"
          placeholder="in payload, reason or error"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <label>
        Reason
        <input list="reasons" value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        <datalist id="reasons">
          {["exhausted", "crashed", "non-retryable", "invalid", "undecodable"].map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      </label>
      <label>
        Error
        <input
          placeholder="TypeError"
          value={errorName}
          onInput={(event) => setErrorName(event.currentTarget.value)}
        />
      </label>
      <label>
        Died
        <select value={age} onChange={(event) => setAge(event.currentTarget.value)}>
          {ages.map(([value, said]) => (
            <option key={value} value={value}>
              {said}
            </option>
          ))}
        </select>
      </label>
      <div class="actions">
        <button type="submit">Search</button>
        {Object.keys(where).length > 0 && (
          <button type="button" class="plain" onClick={clear}>
            Clear
          </button>
        )}
        {children}
      </div>
    </form>
  );
}
