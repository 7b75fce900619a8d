import type { DeadLetter, DeadLetterChange, DeadLetterSelection } from "../../../src/index.ts";
import { checkOptions, integer } from "../../../src/internals.ts";
import { asked } from "../json-body.ts";
import { Refusal } from "../problem.ts";
import { Behind, cursorAfter, readCursor } from "./dead-letter-cursor.ts";
import type { Call, Operation } from "./operation.ts";
import { shownPayload } from "./payload.ts";
import { array, count, orNull, record, ref, text } from "./schemas.ts";

const pageKinds = { max: integer({ min: 1, max: 1_000, default: 100 }) };
const selection = { schema: ref("Selection") };

/** Dead letters: listed, shown, redriven, purged. */
export const deadLetterOperations: readonly Operation[] = [
  {
    method: "get",
    path: "/dead-letters",
    scope: "read",
    summary: "List dead letters, 100 where max says nothing else; after gives the next page.",
    query: ["list", "max", "order", "after", "reason", "errorName", "text", "since", "until"],
    answer: { schema: record({ deadLetters: array(ref("DeadLetter")), next: orNull(text) }) },
    run: list,
  },
  {
    method: "get",
    path: "/dead-letters/{id}",
    scope: "read",
    summary: "Show one dead letter, with its whole payload.",
    query: ["list"],
    answer: { schema: ref("DeadLetter") },
    async run({ context, drain }) {
      const found = await asked(() => drain().deadLetters.show(context.req.param("id") ?? ""));
      if (!found) throw new Refusal(404, "There is no such dead letter (any more).");
      return shown(found, Number.POSITIVE_INFINITY);
    },
  },
  {
    method: "post",
    path: "/dead-letters/redrive",
    scope: "operate",
    summary: "Return dead letters to the list, with a fresh count of attempts.",
    query: ["list"],
    body: selection,
    answer: { schema: record({ redriven: count }) },
    run: async (call) => {
      const chosen = chosenBy(call);
      return asked(() => call.drain().deadLetters.redrive(chosen));
    },
  },
  {
    method: "post",
    path: "/dead-letters/purge",
    scope: "operate",
    summary: "Delete dead letters.",
    query: ["list"],
    body: selection,
    answer: { schema: record({ purged: count }) },
    run: async (call) => {
      const chosen = chosenBy(call);
      return asked(() => call.drain().deadLetters.purge(chosen));
    },
  },
];

async function list({ query, drain }: Call): Promise<object> {
  const { list: _, max: given, order, after, ...where } = query;
  const { max } = asked(() => checkOptions(pageKinds, { max: given }, "query"));
  const cursor = readCursor(after);
  const behind = new Behind(cursor, order);
  const filter = (one: DeadLetter): boolean => behind.has(one);
  const options = { max, order, where, filter } as DeadLetterSelection;
  const found = await asked(() => drain().deadLetters.list(options));
  if (behind.isBefore)
    throw new Refusal(404, "What `after` names is no longer among them: begin with the first page.");
  const next = found.length === max ? cursorAfter(found, drain().list, cursor) : null;
  return { deadLetters: found.map((one) => shown(one)), next };
}

function chosenBy({ body }: Call): DeadLetterChange {
  const { all, ...chosen } = body;
  const { where, max } = chosen as DeadLetterChange;
  const isOfAll = max === undefined && Object.keys(where ?? {}).length === 0;
  if (isOfAll && all !== true)
    throw new Refusal(400, 'Say which are meant: where, max, or "all": true for all of them.');
  return chosen as DeadLetterChange;
}

function shown({ bytes, ...rest }: DeadLetter, bytesMax?: number): object {
  return { ...rest, ...shownPayload(bytes, bytes.length, bytesMax), size: bytes.length };
}
