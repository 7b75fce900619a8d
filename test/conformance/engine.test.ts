import { withEveryEngine } from "./clients.ts";
import { engineConformance } from "./engine.ts";

withEveryEngine(engineConformance);
