import { install, isOnPath } from "./installers.ts";

/** Installs the shells that complete the command line, once. Who cannot have one fails in the test that needs it. */
export default function ensureShells(): void {
  for (const shell of ["bash", "zsh", "fish"]) if (!isOnPath(shell)) install({ apt: shell, brew: shell });
}
