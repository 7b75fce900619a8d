const depthMax = 5;

/**
 * The system's code for what went wrong, such as `ECONNREFUSED`, from anywhere in the chain of causes; without one, the error's
 * name. Never a message, which may quote what was sent.
 */
export function failureCode(error: unknown): string | undefined {
  let name: string | undefined;
  let at = error;
  for (let depth = 0; depth < depthMax && typeof at === "object" && at !== null; depth++) {
    const { code, cause, errors } = at as { code?: unknown; cause?: unknown; errors?: unknown };
    if (isWord(code)) return code;
    if (at instanceof Error && at.name !== "Error" && at.name !== "TypeError" && isWord(at.name))
      name ??= at.name;
    at = Array.isArray(errors) ? errors[0] : cause;
  }
  return name;
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z]\w{1,60}$/.test(value);
}
