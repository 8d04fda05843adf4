import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    // What talks to a real server runs from tests/protocol/typescript, which starts one.
    exclude: process.env.TIDEWIRE_URL ? [] : ["test/real/**"],
  },
});
