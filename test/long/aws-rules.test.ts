import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib/core";
import { expect, it } from "vitest";
import { DrainStack } from "../../infra/aws/stack.ts";

it("the ready AWS app breaks none of CloudFormation's own rules", () => {
  const folder = mkdtempSync(join(tmpdir(), "spillway-cdk-"));
  try {
    const app = new App({ outdir: folder, context: { "aws:cdk:bundling-stacks": [] } });
    new DrainStack(app, "Spillway");
    app.synth();
    const report = JSON.parse(readFileSync(join(folder, "validation-report.json"), "utf8"));
    expect(report.pluginReports).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
