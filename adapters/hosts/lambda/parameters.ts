import { MissingPackageError } from "../../../src/index.ts";

/**
 * Reads secrets from the SSM Parameter Store, in the order of their names: `SecureString` parameters, and Secrets Manager secrets by
 * `/aws/reference/secretsmanager/<name>`. Lambda's runtime contains the SDK for it; elsewhere install `@aws-sdk/client-ssm`. Throws
 * `TypeError` for no name or more than ten, `Error` for a name that does not exist, `MissingPackageError` where the package is not
 * installed, and the SDK's errors. Source: Systems Manager API Reference, "GetParameters".
 */
export async function parameters(names: readonly (string | undefined)[]): Promise<string[]> {
  const wanted = names.map((name) => {
    if (typeof name === "string" && name !== "") return name;
    throw new TypeError("The name of a parameter is missing. Is the environment variable set that holds it?");
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

/** The most names that one GetParameters takes. */
const namesMax = 10;
