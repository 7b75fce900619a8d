import {
  type PeekOptions,
  type Pushable,
  PushIncompleteError,
  RedisTransportError,
} from "../../../src/index.ts";
import { checkOptions, choice, integer, type Kinds, text as nonEmpty } from "../../../src/internals.ts";
import { logError } from "../failure.ts";
import { asked } from "../json-body.ts";
import { problem, Refusal } from "../problem.ts";
import type { Call, Operation } from "./operation.ts";
import { shownPayload } from "./payload.ts";
import { array, choices, count, orNull, record, ref, text } from "./schemas.ts";

/** What a push asks for; `messages` is read apart. */
interface PushWishes {
  readonly delayMs?: number;
  readonly at?: number;
  readonly priority?: "last" | "next";
  readonly ttlMs?: number;
}

const pushKinds = {
  delayMs: integer({ min: 0 }),
  at: integer({ min: 0 }),
  priority: choice(["last", "next"]),
  ttlMs: integer({ min: 1 }),
} satisfies Kinds<PushWishes>;
const messageKinds = { payload: text0(), base64: nonEmpty(), id: nonEmpty(), key: nonEmpty() };

const pushBytesMax = 1_048_576;
const pushCountMax = 1_000;

/** Pushing messages, and looking at those that wait. */
export const messageOperations: readonly Operation[] = [
  {
    method: "post",
    path: "/messages",
    scope: "push",
    summary: "Push messages, the first given first.",
    query: ["list"],
    body: {
      schema: {
        ...choices({
          messages: array({
            anyOf: [text, choices({ payload: text, base64: text, id: text, key: text })],
          }),
          delayMs: count,
          at: { ...count, description: "Due at this moment, epoch ms." },
          priority: { type: "string", enum: ["last", "next"] },
          ttlMs: {
            ...count,
            minimum: 1,
            description: "How long ids are remembered, where messages have ids.",
          },
        }),
        required: ["messages"],
      },
      bytesMax: pushBytesMax,
    },
    answer: {
      schema: record({
        pushed: count,
        duplicates: array(count),
        length: orNull(count),
        woken: { type: "boolean" },
        wakeError: orNull(record({ name: text, message: text })),
      }),
    },
    run: push,
  },
  {
    method: "get",
    path: "/messages",
    scope: "read",
    summary: "Look at messages that wait; it changes nothing.",
    query: ["list", "place", "from", "count"],
    answer: { schema: record({ messages: array(ref("Message")) }) },
    async run({ query: { list: _, ...options }, drain }) {
      const found = await asked(() => drain().peek(options as PeekOptions));
      return {
        messages: found.map(({ bytes, ...rest }) => ({ ...rest, ...shownPayload(bytes, rest.size) })),
      };
    },
  },
];

async function push({ body, drain }: Call): Promise<object> {
  const { messages, ...wishes } = body;
  const { ttlMs, ...options } = asked(() => checkOptions(pushKinds, wishes, "body"));
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > pushCountMax)
    throw new Refusal(400, `messages must be an array of 1 to ${pushCountMax} messages.`);
  const ids = new Map<Pushable, string>();
  const keys = new Map<Pushable, string>();
  const payloads = messages.map((message, at) => {
    const { bytes, id, key } = readMessage(message, at);
    if (id !== undefined) ids.set(bytes, id);
    if (key !== undefined) keys.set(bytes, key);
    return bytes;
  });
  for (const [name, found] of [
    ["id", ids],
    ["key", keys],
  ] as const)
    if (found.size > 0 && found.size < payloads.length)
      throw new Refusal(400, `Each of the messages must have ${name}, or none of them.`);
  if (ids.size > 0 !== (ttlMs !== undefined))
    throw new Refusal(400, "ttlMs must be given where messages have ids, and only there.");
  const named = {
    ...(ttlMs !== undefined && { dedupe: { id: (one: Pushable) => ids.get(one) as string, ttlMs } }),
    ...(keys.size > 0 && { key: (one: Pushable) => keys.get(one) as string }),
  };
  try {
    const { wakeError, ...result } = await asked(() =>
      drain().push(payloads, { ...given(options), ...named }),
    );
    return { ...result, wakeError: wakeError && { name: wakeError.name, message: wakeError.message } };
  } catch (error) {
    if (!(error instanceof PushIncompleteError || error instanceof RedisTransportError)) throw error;
    logError("a push got no answer of Redis.", error);
    const pushed = error instanceof PushIncompleteError ? error.pushedCount : 0;
    return problem(
      503,
      "Whether all messages are in the list is not known; `pushed` of them are.",
      {},
      { pushed },
    );
  }
}

/** What is not undefined. */
function given<Options extends object>(
  options: Options,
): { [Name in keyof Options]: NonNullable<Options[Name]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}

/** Each message's bytes are an object of their own, by which its id and key are found. */
function readMessage(given: unknown, at: number): { bytes: Uint8Array; id?: string; key?: string } {
  if (typeof given === "string") return { bytes: new TextEncoder().encode(given) };
  const { payload, base64, id, key } = asked(() => checkOptions(messageKinds, given, `messages[${at}]`));
  if ((payload === undefined) === (base64 === undefined))
    throw new Refusal(400, `messages[${at}] must have payload or base64.`);
  const bytes = payload === undefined ? fromBase64(base64 as string, at) : new TextEncoder().encode(payload);
  return { bytes, ...(id !== undefined && { id }), ...(key !== undefined && { key }) };
}

function fromBase64(given: string, at: number): Uint8Array {
  try {
    return Uint8Array.from(atob(given), (one) => one.charCodeAt(0));
  } catch {
    throw new Refusal(400, `messages[${at}].base64 must be base64.`);
  }
}

/** A text that may be empty. */
function text0() {
  return nonEmpty({ pattern: /^/, wanted: "a string" });
}
