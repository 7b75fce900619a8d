// What is deployed: the function, its schedule, its rights, alarms that go to a topic.
import { fileURLToPath } from "node:url";
import { App, Stack } from "aws-cdk-lib";
import { Topic } from "aws-cdk-lib/aws-sns";
import { SpillwayDrain } from "spillway/cdk";

const app = new App();
const stack = new Stack(app, "Emails");
new SpillwayDrain(stack, "Drain", {
  entry: fileURLToPath(new URL("./drain.ts", import.meta.url)),
  list: "emails",
  // The names of parameters. Only the function reads their values.
  secrets: {
    REDIS_URL_PARAMETER: "/emails/redis-url",
    REDIS_TOKEN_PARAMETER: "/emails/redis-token",
    MAIL_KEY_PARAMETER: "/emails/mail-key",
  },
  environment: { MAIL_URL: app.node.tryGetContext("mailUrl") ?? "https://api.resend.com/emails" },
  // A new account may run ten functions at once and can reserve none of them: cdk deploy -c reserve=false
  ...(app.node.tryGetContext("reserve") === "false" ? { reservedConcurrency: false as const } : {}),
  alarmTopic: new Topic(stack, "Alarms"),
});
