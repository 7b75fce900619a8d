import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { Program } from "../support/program.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

it("the package works beside the oldest version of everything that it may be installed with", async () => {
  // With what npm knows here: its cache, its registry, its certificates.
  const environment = process.env as Record<string, string>;
  const program = new Program(process.execPath, ["test/oldest/main.ts"], { folder: root, environment });
  const { code } = await program.ended;
  expect(code, program.output).toBe(0);
});
