import { fileURLToPath } from "node:url";
import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib/core";
import type { Construct } from "constructs";
import { SpillwayDrain } from "./index.ts";

/** The ready app's stack: one drain, whose secrets are two parameters. */
export class DrainStack extends Stack {
  readonly drain: SpillwayDrain;

  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    const setting = (name: string): string | undefined => this.node.tryGetContext(name);
    this.drain = new SpillwayDrain(this, "Drain", {
      entry: fileURLToPath(new URL("./drain.ts", import.meta.url)),
      list: setting("list") ?? "emails",
      secrets: {
        REDIS_URL_PARAMETER: setting("urlParameter") ?? "/spillway/redis-url",
        REDIS_TOKEN_PARAMETER: setting("tokenParameter") ?? "/spillway/redis-token",
      },
      // A new account may run ten functions at once, of which none can be reserved.
      ...(setting("reserve") === "false" ? { reservedConcurrency: false } : {}),
    });
    new CfnOutput(this, "FunctionName", { value: this.drain.function.functionName });
    new CfnOutput(this, "LogGroupName", { value: this.drain.function.logGroup.logGroupName });
  }
}
