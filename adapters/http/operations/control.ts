import type { ListLimit } from "../../../src/index.ts";
import { asked } from "../json-body.ts";
import type { Operation } from "./operation.ts";
import { array, count, orNull, record, ref } from "./schemas.ts";

const pauseAnswer = { schema: record({ paused: { type: "boolean" } }) };
const limitAnswer = { schema: record({ limit: orNull(ref("Limit")) }) };

/** Leases, recovering, pausing, and how much may be claimed. */
export const controlOperations: readonly Operation[] = [
  {
    method: "get",
    path: "/leases",
    scope: "read",
    summary: "Who holds what, those first whose lease ends first.",
    query: ["list", "max"],
    answer: { schema: record({ leases: array(ref("Lease")) }) },
    async run({ query: { list: _, ...options }, drain }) {
      return { leases: await asked(() => drain().leases(options)) };
    },
  },
  {
    method: "post",
    path: "/recover",
    scope: "operate",
    summary: "Return the messages of expired leases to the list.",
    query: ["list"],
    answer: { schema: record({ recovered: count, adopted: count }) },
    run: ({ drain }) => drain().recover(),
  },
  {
    method: "post",
    path: "/pause",
    scope: "operate",
    summary: "Pause the list for all its drains.",
    query: ["list"],
    answer: pauseAnswer,
    async run({ drain }) {
      await drain().pause();
      return { paused: true };
    },
  },
  {
    method: "post",
    path: "/resume",
    scope: "operate",
    summary: "End a pause.",
    query: ["list"],
    answer: pauseAnswer,
    async run({ drain }) {
      await drain().resume();
      return { paused: false };
    },
  },
  {
    method: "get",
    path: "/limits",
    scope: "read",
    summary: "How many messages all drains of the list may claim in a time; null where there is no limit.",
    query: ["list"],
    answer: limitAnswer,
    run: async ({ drain }) => ({ limit: await drain().limits.get() }),
  },
  {
    method: "put",
    path: "/limits",
    scope: "operate",
    summary: "Set that limit.",
    query: ["list"],
    body: { schema: ref("Limit") },
    answer: limitAnswer,
    async run({ body, drain }) {
      const limit = body as unknown as ListLimit;
      await asked(() => drain().limits.set(limit));
      return { limit };
    },
  },
  {
    method: "delete",
    path: "/limits",
    scope: "operate",
    summary: "Take that limit away.",
    query: ["list"],
    answer: limitAnswer,
    async run({ drain }) {
      await asked(() => drain().limits.set(null));
      return { limit: null };
    },
  },
];
