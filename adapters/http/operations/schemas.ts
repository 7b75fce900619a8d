/** What JSON Schema says of a value, as far as it is used here. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly anyOf?: readonly Schema[];
  readonly $ref?: string;
}

export const text: Schema = { type: "string" };
export const count: Schema = { type: "integer", minimum: 0 };
const moment: Schema = { type: "integer", minimum: 0, description: "Epoch ms, on Redis' own clock." };
const flag: Schema = { type: "boolean" };
const atLeastOne: Schema = { type: "integer", minimum: 1 };

/** That, or null. */
export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: "null" }] };
}

/** An object all of whose fields are there. */
export function record(properties: Record<string, Schema>): Schema {
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: true };
}

/** An object of which any field may be left out, and that has no other. */
export function choices(properties: Record<string, Schema>): Schema {
  return { type: "object", properties, additionalProperties: false };
}

export function array(items: Schema): Schema {
  return { type: "array", items };
}

/** One of `schemas`, by its name. */
export function ref(name: keyof typeof schemas): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const payload = {
  payload: { type: "string", description: "The payload as text, its first 64 KiB." },
  base64: orNull({ type: "string", description: "The same bytes, where they are not UTF-8." }),
  size: { ...count, description: "Bytes of the whole payload." },
};
const thrown = record({ name: text, message: text });

/** What answers are made of. */
export const schemas = {
  Problem: {
    ...record({ title: text, status: { type: "integer" }, detail: text }),
    description: "What is wrong, as RFC 9457 has it.",
  },
  Stats: record({
    list: count,
    working: count,
    leases: count,
    delayed: count,
    dead: count,
    parked: count,
    parkedKeys: count,
    nextDueAt: orNull(moment),
    paused: flag,
    brakedUntil: orNull(moment),
  }),
  Handled: {
    ...record({ acked: count, failed: count, oldestMs: orNull(count) }),
    description: "What this process has handled since somebody first asked.",
  },
  Report: {
    ...record({
      claimed: count,
      acked: count,
      retried: count,
      deadLettered: count,
      released: count,
      lostLease: count,
      unsettled: count,
      leftBehind: count,
      recovered: count,
      finished: count,
      remaining: orNull(count),
      oldestMs: orNull(count),
      nextDueAt: orNull(moment),
      stopped: text,
      continuedWith: orNull(text),
      started: count,
      declined: orNull(text),
      requests: count,
      commands: count,
      elapsedMs: { type: "number", minimum: 0 },
      failures: array(record({ name: text, message: text, count })),
      error: orNull(thrown),
    }),
    description: "What a drain has done; of several lists, with a report of each by its name in `lists`.",
  },
  Message: record({
    list: text,
    place: text,
    id: text,
    ...payload,
    attempts: count,
    crashes: count,
    firstFailedAt: orNull(moment),
    dueAt: orNull(moment),
    key: orNull(text),
  }),
  Lease: record({
    list: text,
    batch: text,
    drain: text,
    count,
    endsAt: moment,
    endsInMs: { type: "integer" },
    isExpired: flag,
  }),
  DeadLetter: record({
    id: text,
    list: text,
    ...payload,
    reason: text,
    error: orNull(thrown),
    issues: array(record({ path: text, message: text })),
    attempts: count,
    firstFailedAt: moment,
    lastFailedAt: moment,
  }),
  Limit: choices({
    messages: atLeastOne,
    windowMs: { ...atLeastOne, description: "ms" },
    perKey: choices({ messages: atLeastOne, windowMs: atLeastOne, inFlight: atLeastOne }),
  }),
  Selection: choices({
    where: choices({
      id: text,
      reason: text,
      errorName: text,
      text: { type: "string", description: "Stands in the payload, the reason or the error." },
      since: moment,
      until: moment,
    }),
    max: { type: "integer", minimum: 1 },
    order: { type: "string", enum: ["oldest", "newest"] },
    dryRun: { type: "boolean", description: "Only count what would be taken." },
    all: { type: "boolean", description: "Must be true where neither where nor max is given." },
  }),
} satisfies Record<string, Schema>;

export interface Parameter {
  readonly description: string;
  readonly schema: Schema;
}

/** What a query may have. */
export const parameters = {
  list: { description: "The list, where the host drains several.", schema: text },
  place: { description: "Where to look.", schema: { type: "string", enum: ["list", "delayed", "parked"] } },
  from: { description: "From which end.", schema: { type: "string", enum: ["oldest", "newest"] } },
  count: { description: "Messages at most.", schema: { type: "integer", minimum: 1, maximum: 1_000 } },
  max: { description: "How many at most.", schema: { type: "integer", minimum: 1, maximum: 1_000 } },
  order: { description: "Which come first.", schema: { type: "string", enum: ["oldest", "newest"] } },
  after: { description: "What `next` of the page before said.", schema: text },
  reason: { description: "The whole reason.", schema: text },
  errorName: { description: "The name of what the last attempt threw.", schema: text },
  text: { description: "Stands in the payload, the reason or the error.", schema: text },
  since: { description: "Died then or later, epoch ms.", schema: moment },
  until: { description: "Died then or earlier, epoch ms.", schema: moment },
} satisfies Record<string, Parameter>;

export type ParameterName = keyof typeof parameters;
