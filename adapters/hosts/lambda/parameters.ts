import { MissingPackageError } from "../../../src/index.ts";

/**
 * Reads secrets from the SSM Parameter Store, in the order of their names: `SecureString` parameters, and Secrets Manager
 * secrets by `/aws/reference/secretsmanager/<name>`. The SDK for it comes with Lambda's runtime; elsewhere install
 * `@aws-sdk/client-ssm`. Throws `TypeError` for no or more than ten names, `Error` for names that do not exist,
 * `MissingPackageError` where that is not installed, and the
 * SDK's errors. Source: Systems Manager API Reference, "GetParameters".
 */
export async function parameters(names: readonly (string | undefined)[]): Promise<string[]> {
  const wanted = names.map((name) => {
    if (typeof name === "string" && name !== "") return name;
    throw new TypeError(
      "The name of a parameter is missing. Is the environment variable set that should hold it?",
    );
  });
  if (wanted.length < 1 || wanted.length > namesMax) {
    throw new TypeError(`From 1 to ${namesMax} parameters can be read at once; got ${wanted.length}.`);
  }
  const { GetParametersCommand, SSMClient } = await import("@aws-sdk/client-ssm").catch((cause: unknown) => {
    throw new MissingPackageError("@aws-sdk/client-ssm", { cause });
  });
  const client = new SSMClient({});
  try {
    const { Parameters = [] } = await client.send(
      new GetParametersCommand({ Names: [...new Set(wanted)], WithDecryption: true }),
    );
    const values = new Map(Parameters.map(({ Name, Value }) => [Name, Value]));
    return wanted.map((name) => {
      const value = values.get(name);
      if (value !== undefined) return value;
      throw new Error(
        `The parameter ${name} does not exist in ${process.env.AWS_REGION ?? "this region"}. Create it with: aws ssm put-parameter --type SecureString --name ${name} --value …`,
      );
    });
  } finally {
    client.destroy();
  }
}

/** What one GetParameters takes. */
const namesMax = 10;
