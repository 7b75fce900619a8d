import { useEffect, useState } from "preact/hooks";

/** What a list's page shows. */
export const views = ["dead letters", "messages", "leases"] as const;
export type View = (typeof views)[number];

/** Where the reader is: all lists, or one of them. It stands in the address behind the `#`, which is never sent. */
export interface Route {
  readonly list: string | null;
  readonly view: View;
}

export function hrefOf(list: string | null, view: View = "dead letters"): string {
  if (list === null) return "#/";
  return `#/${encodeURIComponent(wellFormed(list))}/${view.replace(" ", "-")}`;
}

/** A list's name as an address can hold it: half of a surrogate pair it cannot. */
export function wellFormed(list: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(list));
}

export function readRoute(hash: string): Route {
  const [, list = "", view = ""] = hash.replace(/^#/, "").split("/");
  const found = views.find((one) => one.replace(" ", "-") === view) ?? "dead letters";
  try {
    return { list: list === "" ? null : decodeURIComponent(list), view: found };
  } catch {
    return { list: null, view: found };
  }
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return readRoute(hash);
}
