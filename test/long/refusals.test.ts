import { verbs } from "../conformance/refusable-verbs.ts";
import { refusalsOf } from "../conformance/refusals.ts";

refusalsOf(verbs.filter(({ isQuick }) => !isQuick));
