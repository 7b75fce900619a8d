import { verbs } from "./refusable-verbs.ts";
import { refusalsOf } from "./refusals.ts";

/** `test/long/refusals.test.ts` has the others. */
refusalsOf(verbs.filter(({ isQuick }) => isQuick));
