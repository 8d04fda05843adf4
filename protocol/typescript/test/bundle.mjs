// `node test/bundle.mjs FILE` writes the README's example, as test/readme-page.tsx shows it, as one script.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const parts = { ai: "ai/index.ts", browser: "browser.ts", react: "react/index.ts" };
const alias = Object.entries(parts).map(([name, file]) => ({
  find: `@tidewire/client/${name}`,
  replacement: path(`../src/${file}`),
}));

const [result] = await build({
  root: path(".."),
  configFile: false,
  logLevel: "error",
  define: { "process.env.NODE_ENV": '"production"' },
  resolve: { alias },
  build: { write: false, lib: { entry: path("readme-page.tsx"), formats: ["iife"], name: "example" } },
});
await writeFile(process.argv[2], result.output[0].code);
