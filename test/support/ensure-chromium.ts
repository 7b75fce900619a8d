import { findChromium } from "./chromium.ts";
import { install } from "./installers.ts";

/** Installs Chromium once, before files that run side by side look for it. Who cannot have it fails in the tests that need it. */
export default function ensureChromium(): void {
  if (!findChromium()) install({ apt: "chromium", brew: "chromium" });
}
