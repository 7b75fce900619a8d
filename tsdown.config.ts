import { defineConfig } from "tsdown";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    upstash: "adapters/redis/upstash.ts",
    "upstash-fetch": "adapters/redis/upstash-fetch.ts",
    ioredis: "adapters/redis/ioredis.ts",
    "node-redis": "adapters/redis/node-redis.ts",
    http: "adapters/http/app.ts",
    node: "adapters/hosts/node/server.ts",
    lambda: "adapters/hosts/lambda/index.ts",
    cdk: "infra/aws/index.ts",
    cloudflare: "adapters/hosts/cloudflare/index.ts",
    fetch: "adapters/hosts/fetch/index.ts",
    qstash: "adapters/continue/qstash/index.ts",
    signed: "adapters/continue/signed/index.ts",
    local: "adapters/local/index.ts",
    cli: "cli/main.ts",
  },
  format: "esm",
  platform: "neutral",
  target: "es2023",
  dts: true,
  sourcemap: true,
  clean: true,
  deps: { neverBundle: [/^node:/] },
  plugins: [{ name: "without-words", transform: withoutWords }],
});

/**
 * What only readers of the sources need would weigh in the core: meanings of options, the indents of Lua. Lines stay
 * where they are, and so source maps hold.
 */
function withoutWords(code: string, id: string): { code: string; map: null } | null {
  if (/src\/broker\/scripts\//.test(id)) return { code: code.replace(/^ +/gm, ""), map: null };
  if (/src\/options\.ts$/.test(id)) {
    return { code: code.replace(/says:\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'),?/g, ""), map: null };
  }
  return null;
}
