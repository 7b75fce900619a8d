import { defineConfig } from "vitest/config";
import { measureTimeScale } from "./test/support/time-scale.ts";

/** Limits of real time grow with it; files about real time measure it again. */
const scaled = measureTimeScale();
const longTests = "test/long/**/*.test.ts";
const apps = "test/apps/**/*.test.ts";
/** In both, the long tests with more cases; see `test/support/property-runs.ts`. */
const properties = "test/**/*.property.test.ts";

export default defineConfig({
  test: {
    globalSetup: ["test/support/ensure-redis.ts", "test/support/build.ts"],
    // Each file starts its own redis-server. Four at a time suit two cores: half of the time is waiting.
    maxWorkers: 4,
    // They end what hangs; no test is to come near them.
    testTimeout: scaled(180_000),
    hookTimeout: scaled(180_000),
    projects: [
      {
        extends: true,
        // Files share their process and what it has imported: to import all anew is two fifths of the work.
        test: {
          name: "quick",
          include: ["test/**/*.test.ts"],
          exclude: [longTests, apps],
          isolate: false,
          provide: { isLong: false },
        },
      },
      {
        extends: true,
        test: {
          name: "long",
          globalSetup: ["test/support/ensure-chromium.ts", "test/support/ensure-shells.ts"],
          include: [longTests, properties],
          provide: { isLong: true },
          testTimeout: scaled(300_000),
          hookTimeout: scaled(120_000),
        },
      },
      {
        extends: true,
        // They install packages, build apps and the site, and start them.
        test: {
          name: "apps",
          globalSetup: ["test/support/ensure-chromium.ts"],
          include: [apps],
          testTimeout: scaled(600_000),
          hookTimeout: scaled(600_000),
        },
      },
    ],
  },
});
