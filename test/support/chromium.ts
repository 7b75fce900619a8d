import { type Browser, chromium } from "playwright-core";
import { isOnPath } from "./installers.ts";

/** Debian's, and what others call it. */
const names = ["chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium"];

/** A real Chromium, without a window. Throws, with the line that mends it, where none is here. */
export async function openChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) {
    throw new Error(
      "The tests need Chromium on the PATH. Install it: apt-get install chromium, or name one in SPILLWAY_CHROMIUM.",
    );
  }
  // Its sandbox wants a user of its own, and what it shows here is ours.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

export function findChromium(): string | undefined {
  const found = [process.env.SPILLWAY_CHROMIUM ?? "", ...names].find((name) => name !== "" && isOnPath(name));
  if (found === undefined || found.includes("/")) return found;
  return (process.env.PATH ?? "")
    .split(":")
    .map((folder) => `${folder}/${found}`)
    .find(isOnPath);
}
