import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runInside } from "../support/command-line-inside.ts";
import { Program } from "../support/program.ts";
import { startRest } from "../support/redis.ts";
import { useRedisServer } from "../support/redis-under-test.ts";
import {
  drainOnLambda,
  drainOnNode,
  drainOnVercel,
  drainOnWorkers,
  type TemplatePlace,
} from "../support/template-hosts.ts";
import { bundleForWorkerd } from "../support/workerd.ts";

const root = new URL("../../", import.meta.url).pathname;
const { door, server } = useRedisServer();

/** Each template, and how its host runs it once. Add yours. */
const hosts: Readonly<Record<string, (place: TemplatePlace) => Promise<string>>> = {
  vercel: drainOnVercel,
  lambda: (place) => drainOnLambda(place, "./drain.ts"),
  async worker(place) {
    const script = await bundleForWorkerd({ entryPoints: [join(place.folder, "worker.ts")] });
    return drainOnWorkers(place, script);
  },
  node: drainOnNode,
};

describe("spillway init writes a drain that runs", () => {
  it.each(Object.keys(hosts))("on %s", async (name) => {
    const folder = await mkdtemp(join(tmpdir(), "spillway-init-"));
    expect(await runInside(["init", folder, "--template", name, "--list", "mail"])).toMatchObject({
      code: 0,
    });
    await mkdir(join(folder, "node_modules"));
    await symlink(root, join(folder, "node_modules/spillway"));
    const rest = await startRest(server());
    await door.redis.lpush("mail", "m");
    expect(await hosts[name]?.({ folder, redisUrl: rest.url, list: "mail" })).toMatch(/"acked":1\b/);
    expect(await door.redis.llen("mail")).toBe(0);
    await rest.close();
    await rm(folder, { recursive: true });
  });
});

describe("spillway init", () => {
  it.each(["node", "lambda", "worker"])(
    "writes sources that an editor finds no fault with: %s",
    async (name) => {
      const folder = await mkdtemp(join(tmpdir(), "spillway-init-"));
      await runInside(["init", folder, "--template", name]);
      await mkdir(join(folder, "node_modules/@types"), { recursive: true });
      await symlink(root, join(folder, "node_modules/spillway"));
      await symlink(join(root, "node_modules/@types/node"), join(folder, "node_modules/@types/node"));
      const tsc = join(root, "node_modules/typescript/bin/tsc");
      const program = new Program(process.execPath, [tsc, "-p", folder], { folder, environment: {} });
      const { code } = await program.ended;
      expect(code, program.output).toBe(0);
      await rm(folder, { recursive: true });
    },
  );

  it("touches no file that is there", async () => {
    const folder = await mkdtemp(join(tmpdir(), "spillway-init-"));
    await runInside(["init", folder, "--template", "node"]);
    const again = await runInside(["init", folder, "--template", "worker"]);
    expect(again).toMatchObject({ code: 2, stdout: "" });
    expect(again.stderr).toContain("handler.ts");
    await rm(folder, { recursive: true });
  });
});
