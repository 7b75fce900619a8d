import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** How a program can be installed here, the first that applies. */
interface Installer {
  readonly commands: readonly (readonly [program: string, ...args: string[]])[];
  readonly isHere: () => boolean;
}

/** What a program's package is called by each installer. */
export interface Packages {
  readonly apt: string;
  readonly brew: string;
}

const apt = (name: string, ...prefix: string[]): Installer["commands"] =>
  [
    ["apt-get", "update", "-qq"],
    ["apt-get", "install", "-y", "-qq", "--no-install-recommends", name],
  ].map((command) => [...prefix, ...command] as [string, ...string[]]);

const installersOf = (packages: Packages): readonly Installer[] => [
  { commands: apt(packages.apt), isHere: () => isOnPath("apt-get") && process.getuid?.() === 0 },
  {
    commands: apt(packages.apt, "sudo", "-n"),
    isHere: () => isOnPath("apt-get") && isOnPath("sudo") && spawnSync("sudo", ["-n", "true"]).status === 0,
  },
  { commands: [["brew", "install", packages.brew]], isHere: () => isOnPath("brew") },
];

/** Installs what the tests need, where an installer is here, and says so. */
export function install(packages: Packages): void {
  const installer = installersOf(packages).find(({ isHere }) => isHere());
  for (const [program, ...args] of installer?.commands ?? []) {
    console.log(`The tests need ${packages.apt}, and it is not here. Running: ${program} ${args.join(" ")}`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    spawnSync(program, args, { env, stdio: ["ignore", "ignore", "inherit"], timeout: 300_000 });
  }
}

export function isOnPath(program: string): boolean {
  const folders = program.includes("/") ? [""] : (process.env.PATH ?? "").split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(folder === "" ? program : join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
