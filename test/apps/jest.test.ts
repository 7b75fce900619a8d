import { afterAll, expect, it } from "vitest";
import { samplesOf } from "../docs/samples.ts";
import { installedProject, type Project } from "./project.ts";

let project: Project;
afterAll(() => project?.remove());

it("jest runs the recipe of docs/testing.md as it is written there, with the settings that stand beside it", async () => {
  const samples = samplesOf("docs/testing.md");
  const [babel, manifest] = samples.filter(({ language }) => language === "json").map(({ code }) => code);
  const recipe = samples.find(({ code }) => code.startsWith("// resize.test.ts"));
  const devDependencies = { jest: "^30.5.2", "@babel/preset-typescript": "^7.29.0" };
  project = await installedProject({ ...JSON.parse(manifest ?? ""), devDependencies });
  await project.write({ "babel.config.json": babel ?? "", "resize.test.ts": recipe?.code ?? "" });

  const jest = ["node_modules/jest/bin/jest.js", "--ci", "--no-cache"];
  const settings = { NODE_OPTIONS: "--experimental-vm-modules", NODE_ENV: "test" };
  const { code, output } = await project.run(process.execPath, jest, settings);
  expect([code, output]).toEqual([0, expect.stringContaining("Tests:       1 passed, 1 total")]);
});
