import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["tidewire-source"] },
  ssr: { resolve: { conditions: ["tidewire-source"] } },
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    // What talks to a real server runs from tests/protocol/typescript, which starts one.
    exclude: process.env.TIDEWIRE_URL ? [] : ["test/real/**"],
  },
});
