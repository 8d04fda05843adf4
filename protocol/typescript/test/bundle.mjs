// `node test/bundle.mjs FILE [PAGE] [MODE]` writes a page, by default the README's example, as one script.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const parts = { ai: "ai/index.ts", browser: "browser.ts", react: "react/index.ts" };
const alias = Object.entries(parts).map(([name, file]) => ({
  find: `@tidewire/client/${name}`,
  replacement: path(`../src/${file}`),
}));

const [file, page = "readme-page.tsx", mode = "production"] = process.argv.slice(2);
const [result] = await build({
  root: path(".."),
  configFile: false,
  logLevel: "error",
  define: { "process.env.NODE_ENV": JSON.stringify(mode) },
  resolve: { alias },
  build: { write: false, lib: { entry: path(page), formats: ["iife"], name: "example" } },
});
await writeFile(file, result.output[0].code);
