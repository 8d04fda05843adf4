import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const sdk = (path: string) => fileURLToPath(new URL(`../../../protocol/typescript/src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@tidewire\/client$/, replacement: sdk("index.ts") },
      { find: /^@tidewire\/client\/browser$/, replacement: sdk("browser.ts") },
      { find: /^@tidewire\/client\/react$/, replacement: sdk("react/index.ts") },
    ],
    dedupe: ["react", "react-dom"],
  },
  test: { include: ["test/**/*.test.{ts,tsx}"], environment: "happy-dom" },
});
