// `npm run frames` writes src/frames.ts, the frames as TypeScript, from ../schema/tidewire.v1.json.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";

const SCHEMA = new URL("../../schema/tidewire.v1.json", import.meta.url);
export const PATH = new URL("../src/frames.ts", import.meta.url);

const HEAD = `// Written by \`npm run frames\` from protocol/schema/tidewire.v1.json; a test fails when the two differ.

/** Free JSON: its fields are the business of whoever wrote it. */
export type JsonObject = { readonly [name: string]: unknown };
`;

/** The whole of src/frames.ts as it ought to be. */
export async function frames() {
  const { $defs } = typed(JSON.parse(await readFile(SCHEMA, "utf8")));
  // A root that refers to everything; it is taken out again, what it refers to stays.
  const properties = Object.fromEntries(Object.keys($defs).map((name) => [name, { $ref: `#/$defs/${name}` }]));
  const source = await compile({ title: "Root", type: "object", properties, $defs }, "Root", {
    additionalProperties: false, // a reader ignores unknown fields, a writer sends none
    bannerComment: HEAD,
    ignoreMinAndMaxItems: true,
    style: { printWidth: 120 },
  });
  return frozen(source.replace(/export interface Root \{[^]*?\n\}\n/, ""));
}

/** The schema as far as types can say it; objects that name no fields hold free JSON, as a chunk or a result. */
function typed(node) {
  if (Array.isArray(node)) return node.map(typed);
  if (node === null || typeof node !== "object") return node;
  const copy = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, typed(value)]));
  if (node.type === "string" || node.type === "integer") delete copy.description;
  if (node.prefixItems) return { type: "array", tsType: "readonly [number, number]" };
  const isFree = node.type === "object" && !node.properties && node.additionalProperties === undefined;
  return isFree ? { tsType: "JsonObject", ...copy } : copy;
}

/** A frame is a value: nobody changes one that was sent or received. */
function frozen(source) {
  return source
    .replace(/^(\s+)(\w+\??: |\[k: string\])/gm, "$1readonly $2")
    .replace(/: (\w+\[\])/g, ": readonly $1");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(PATH, await frames());
