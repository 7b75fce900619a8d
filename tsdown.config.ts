import { defineConfig } from "tsdown";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    upstash: "adapters/redis/upstash.ts",
    ioredis: "adapters/redis/ioredis.ts",
    "node-redis": "adapters/redis/node-redis.ts",
    http: "adapters/http/app.ts",
    node: "adapters/hosts/node/server.ts",
    lambda: "adapters/hosts/lambda/index.ts",
    fetch: "adapters/hosts/fetch/index.ts",
    qstash: "adapters/qstash/index.ts",
    signed: "adapters/signed/index.ts",
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
});
