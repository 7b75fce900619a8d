/** A moment that a test waits for, and whoever brings it about calls. */
export function moment(): { readonly came: Promise<void>; come(): void } {
  let come: () => void = () => undefined;
  const came = new Promise<void>((resolve) => {
    come = resolve;
  });
  return { came, come };
}
