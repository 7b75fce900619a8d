import { App, Validations } from "aws-cdk-lib/core";
import { AwsSolutionsChecks } from "cdk-nag";
import { DrainStack } from "./stack.ts";

const app = new App();
new DrainStack(app, "Spillway");
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
