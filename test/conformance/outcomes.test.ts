import { withEveryEngine } from "./clients.ts";
import { outcomesConformance } from "./outcomes.ts";

withEveryEngine(outcomesConformance);
