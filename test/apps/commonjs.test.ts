import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedProject, type Project } from "./project.ts";

/** Node's own binary, as npm has it for this machine. */
const binaryOf = (version: string): string => `npm:node-${process.platform}-${process.arch}@${version}`;

/** Each entry, loaded; then a message, drained. */
const use = `
const { exports: entries } = require("spillway/package.json");
for (const name of Object.keys(entries)) {
  if (/package\\.json|cdk|opentelemetry/.test(name)) continue;
  const entry = require(name.replace(/^\\./, "spillway"));
  if (Object.keys(entry).length === 0) throw new Error(name);
}
const { createTestDrain } = require("spillway/testing");
const kit = createTestDrain({ handler: ({ payload }) => console.log("handled", payload) });
kit.push({ n: 1 }).then(() => kit.drainUntilEmpty()).then(({ acked }) => console.log(process.version, "acked", acked));
`;

describe("the package in a project of CommonJS modules, by require", () => {
  let project: Project;
  beforeAll(async () => {
    const dependencies = { "node-oldest": binaryOf("22.12.0"), "node-24": binaryOf("24") };
    project = await installedProject({ type: "commonjs", dependencies });
    await project.write({ "use.cjs": use });
  });
  afterAll(() => project?.remove());

  it.each([
    ["the oldest Node that package.json names", "node-oldest", "v22.12.0"],
    ["Node 24", "node-24", "v24."],
  ])("loads every entry and drains on %s", async (_, name, version) => {
    const { code, output } = await project.run(`${project.folder}/node_modules/${name}/bin/node`, [
      "use.cjs",
    ]);
    expect(output).toContain('handled {"n":1}');
    expect(output).toContain(`${version}`);
    expect([code, output]).toEqual([0, expect.stringMatching(/acked 1\n/)]);
  });
});
