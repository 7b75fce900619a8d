/** A part of the lean script with some of its text replaced. Throws where a text does not stand in it exactly once. */
export function patched(lua: string, ...edits: readonly (readonly [find: string, put: string])[]): string {
  return edits.reduce((text, [find, put]) => {
    const parts = text.split(find);
    if (parts.length !== 2) throw new Error(`The part must hold this once: ${find}`);
    return parts.join(put);
  }, lua);
}

/**
 * A part in a block, of which only some functions are visible outside: Lua allows 200 locals, and those of a block no longer count
 * after its end.
 */
export function sealed(lua: string, functions: readonly string[]): string {
  const body = patched(
    lua,
    ...functions.map((name) => [`local function ${name}(`, `function ${name}(`] as const),
  );
  return `\nlocal ${functions.join(", ")}\ndo\n${body}\nend\n`;
}
