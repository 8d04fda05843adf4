/**
 * Builds the page into `dist`, which the server serves: `npm run build`, or `npm run dev` to build at every change
 * (the server needs no restart; reload the tab).
 *
 * Names carry a hash of what is in them, so that a browser may keep every asset for good; index.html names them.
 */
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { context } from "esbuild";
import { minify } from "terser";

const { version: terser } = createRequire(import.meta.url)("terser/package.json");
const here = fileURLToPath(new URL(".", import.meta.url));
const dist = join(here, "dist");
const isWatching = process.argv.includes("--watch");

/** Makes what esbuild has made small two per cent smaller. */
async function squeeze(script) {
  const { code } = await minify(await readFile(script, "utf8"), { module: true, ecma: 2022 });
  await writeFile(script, code);
}

/** Writes index.html for what was built. Old assets stay until the next whole build: an open tab may still ask for one. */
const writesIndex = {
  name: "index.html",
  setup(build) {
    build.onEnd(async ({ errors, metafile }) => {
      if (errors.length > 0) return;
      const entry = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint?.endsWith("main.tsx"));
      const [script, { cssBundle, imports }] = entry;
      const address = (output) => `/${relative(dist, join(here, output)).replaceAll("\\", "/")}`;
      const needed = imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => address(path));
      const html = (await readFile(join(here, "index.html"), "utf8"))
        .replace("%STYLE%", address(cssBundle))
        .replace("%PRELOAD%", needed.map((path) => `<link rel="modulepreload" href="${path}">`).join("\n  "))
        .replace("%SCRIPT%", address(script));
      const scripts = Object.keys(metafile.outputs).filter((output) => output.endsWith(".js"));
      if (!isWatching) await Promise.all(scripts.map((output) => squeeze(join(here, output))));
      await writeFile(join(dist, "index.html"), html);
      console.log(`built ${basename(script)}`);
    });
  },
};

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await cp(join(here, "public"), dist, { recursive: true });
const builder = await context({
  absWorkingDir: here,
  entryPoints: ["src/main.tsx"],
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  minify: !isWatching,
  sourcemap: isWatching,
  metafile: true,
  outdir: "dist/assets",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  tsconfig: "tsconfig.json",
  // The SDK's sources lie outside of this folder; what they import is ours.
  nodePaths: ["node_modules"],
  banner: { js: `/* terser ${terser} */` }, // gone once that has run; a name says what was written by which one
  define: { "process.env.NODE_ENV": isWatching ? '"development"' : '"production"' },
  legalComments: "external", // beside the scripts, in files that are served like them
  logLevel: "warning",
  plugins: [writesIndex],
});
if (isWatching) await builder.watch();
else {
  await builder.rebuild();
  await builder.dispose();
}
