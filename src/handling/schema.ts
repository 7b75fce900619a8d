import { SpillwayError } from "../errors.ts";
import * as limits from "../limits.ts";
import { peek, shorten, textOf } from "./guest.ts";
import { isArray } from "./verdict.ts";

/**
 * The part of Standard Schema, version 1 (https://standardschema.dev), that is used here. Schemas of zod, valibot, arktype and
 * others have it. It is copied, as the specification invites libraries to do, so that no package is needed.
 */
export interface StandardSchema<Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A message's value did not fit the schema. Its issues go with it to the dead letters. */
export class SchemaError extends SpillwayError {
  override readonly name: string = "SchemaError";
  readonly issues: readonly { readonly path: string; readonly message: string }[];
  constructor(issues: readonly SchemaIssue[]) {
    const found: readonly unknown[] = isArray(issues) ? issues.slice(0, limits.issueCountMax) : [];
    const readable = found.map((issue) => ({
      path: pathOf(peek(issue, "path")),
      message: textOf(peek(issue, "message"), limits.issueCharsMax),
    }));
    const text = readable.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join("; ");
    super("schema", `The message does not fit the schema: ${text}`);
    this.issues = readable;
  }
}

function pathOf(path: unknown): string {
  const steps = isArray(path) ? path.slice(0, limits.issueCharsMax) : [];
  const keys = steps.map((step) => (typeof step === "object" ? peek(step, "key") : step));
  return shorten(keys.map((key) => textOf(key, limits.issueCharsMax)).join("."), limits.issueCharsMax);
}

/** The schema's output for a value. Throws `SchemaError`, also where it gives no result, and what the schema itself throws. */
export async function validate<Output>(schema: StandardSchema<Output>, value: unknown): Promise<Output> {
  const result: SchemaResult<Output> | null | undefined = await schema["~standard"].validate(value);
  if (typeof result !== "object" || result === null || result.issues || !("value" in result))
    throw new SchemaError(result?.issues ?? []);
  return result.value as Output;
}

export function isStandardSchema(value: unknown): value is StandardSchema {
  const standard = (value as { "~standard"?: { version?: unknown; validate?: unknown } } | null)?.[
    "~standard"
  ];
  return standard?.version === 1 && typeof standard.validate === "function";
}
