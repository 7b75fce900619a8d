import { partsOf } from "./payload-forms.ts";

/** A text that others wrote: never markup, kept apart from the text around it, and what cannot be seen by its code. */
export function ShownText({ text }: { text: string }) {
  const parts = partsOf(text);
  return <bdi>{parts.map((part, at) => (at % 2 === 0 ? part : <span class="unseen">{part}</span>))}</bdi>;
}

/** The same on one line, cut short where it is long. */
export function ShortText({ text, max = 200 }: { text: string; max?: number }) {
  const isCut = text.length > max;
  return (
    <>
      <ShownText text={isCut ? text.slice(0, max) : text} />
      {isCut && "…"}
    </>
  );
}
