import { withEveryEngine } from "./clients.ts";
import { recoveryConformance } from "./recovery.ts";

withEveryEngine(recoveryConformance, ["scripted"]);
