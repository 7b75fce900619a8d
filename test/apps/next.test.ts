import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testToken } from "../support/redis.ts";
import { useRestServer } from "../support/redis-under-test.ts";
import { installedProject, type Project } from "./project.ts";

const cronSecret = "a-secret-of-the-schedule";

const files = {
  "app/layout.tsx": `import type { ReactNode } from "react";
export default function Layout({ children }: { children: ReactNode }) {
  return <html lang="en"><body>{children}</body></html>;
}
`,
  "app/page.tsx": "export default function Page() {\n  return <p>mail</p>;\n}\n",
  "app/api/drain/route.ts": `import { createDrain } from "spillway";
import { fetchHandler, vercelContext } from "spillway/fetch";
import { upstash } from "spillway/upstash";

const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, CRON_SECRET: cronSecret } = process.env;
const handle = fetchHandler(
  () => createDrain({ redis: upstash({ url, token }), list: "emails", handler: ({ value }) => console.log("mail to", value) }),
  { basePath: "/api", cronPath: "/api/drain", cronSecret, budgetMs: 50_000 },
);
export const GET = (request: Request): Promise<Response> => handle(request, vercelContext());
`,
};

describe("a Next.js app with a drain as a route", () => {
  const served = useRestServer();
  let project: Project;
  const environment = (): Record<string, string> => ({
    NEXT_TELEMETRY_DISABLED: "1",
    NODE_ENV: "production",
    UPSTASH_REDIS_REST_URL: served.server().url,
    UPSTASH_REDIS_REST_TOKEN: testToken,
    CRON_SECRET: cronSecret,
  });
  const next = ["node_modules/next/dist/bin/next"];

  beforeAll(async () => {
    const dependencies = { next: "16.4.6", react: "^19.0.0", "react-dom": "^19.0.0" };
    const devDependencies = { typescript: "^6.0.0", "@types/react": "^19.0.0", "@types/node": "^24.0.0" };
    project = await installedProject({ dependencies, devDependencies });
    await project.write(files);
  });
  afterAll(() => project?.remove());

  it("builds with its types, and drains when its schedule calls", async () => {
    const built = await project.run(process.execPath, [...next, "build"], environment());
    expect([built.code, built.output]).toEqual([0, expect.stringContaining("/api/drain")]);

    await served.door.redis.lpush("emails", '{"to":"ann"}', '{"to":"bob"}');
    const server = project.start(process.execPath, [...next, "start", "--port", "0"], environment());
    const [, url] = await server.printed(/Local:\s+(http:\S+)/);
    const call = (secret: string): Promise<Response> =>
      fetch(`${url}/api/drain`, { headers: { authorization: `Bearer ${secret}` } });
    expect((await call("wrong")).status).toBe(401);
    const answer = await call(cronSecret);
    expect([answer.status, await answer.json()]).toMatchObject([200, { acked: 2, stopped: "empty" }]);
    expect(await served.door.redis.llen("emails")).toBe(0);
    await server.kill();
  });
});
