import { recursionSetting } from "../../adapters/hosts/lambda/index.ts";
import { MissingPackageError } from "../../src/index.ts";
import type { Check } from "./examination.ts";

const credentials = [
  "AWS_ACCESS_KEY_ID",
  "AWS_PROFILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
];

/** Lambda drops about the 17th invocation of a chain, without a word, unless the function says otherwise. */
export const lambdaRecursion: Check = {
  name: "lambda",
  async examine({ options: { lambda, environment } }) {
    if (lambda === undefined) {
      return { level: "skipped", text: "No Lambda function was named by --lambda." };
    }
    if (!credentials.some((name) => environment[name])) {
      return { level: "skipped", text: "There are no AWS credentials, so Lambda's setting was not read." };
    }
    try {
      const setting = await recursionSetting(lambda);
      if (setting === "Allow") return { level: "ok", text: `Lambda allows "${lambda}" to invoke itself.` };
      return {
        level: "warning",
        text: `Lambda ends chains of "${lambda}" after about 16 hops; the next tick then goes on.`,
        mend: `aws lambda put-function-recursion-config --function-name ${lambda} --recursive-loop Allow`,
      };
    } catch (error) {
      if (error instanceof MissingPackageError) {
        return { level: "skipped", text: `Lambda's setting was not read. ${error.message}` };
      }
      const name = error instanceof Error ? error.name : "an unknown error";
      const mend = "Look at the function's name, AWS_REGION and the right lambda:GetFunctionRecursionConfig.";
      return { level: "warning", text: `Lambda's setting could not be read: ${name}.`, mend };
    }
  },
};
