import { OptionError } from "../../src/index.ts";
import { readBody } from "./body.ts";
import { Refusal } from "./problem.ts";

/** What the body asks for, an empty one nothing. Throws `Refusal` with 413, 415 or 400 for what is no JSON. */
export async function readJson(request: Request, bytesMax: number): Promise<unknown> {
  const bytes = await readBody(request, bytesMax);
  if (!bytes) throw new Refusal(413, `The body must be no larger than ${bytesMax} bytes.`);
  const text = new TextDecoder().decode(bytes).trim();
  // Nothing else: a form on a stranger's page can send other types without being asked about.
  if (text && !/^application\/json\b/i.test(request.headers.get("content-type") ?? ""))
    throw new Refusal(415, "The body must be application/json, or empty.");
  try {
    // Of what is no UTF-8 other messages would be pushed than were sent.
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return JSON.parse(text || "{}");
  } catch {
    throw new Refusal(400, "The body must be JSON in UTF-8, or empty.");
  }
}

/** What is asked for was said by the caller: an `OptionError` is an answer to them, with 400. */
export function asked<Result>(ask: () => Result): Result {
  try {
    const result = ask();
    return (result instanceof Promise ? result.catch(refuse) : result) as Result;
  } catch (error) {
    return refuse(error);
  }
}

function refuse(error: unknown): never {
  throw error instanceof OptionError ? new Refusal(400, error.message) : error;
}
