/** The golden vectors (protocol/vectors/README.md), as the Python tests read them. */
import { readFileSync } from "node:fs";
import type { Chunk } from "../src/parts/chunks.js";
import type { Message } from "../src/parts/message.js";

const read = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8")) as T;

export interface FrameVector {
  readonly name: string;
  readonly from: "client" | "server";
  readonly text: string;
  readonly frame?: object;
  readonly error?: { readonly code: string; readonly fatal?: boolean } | null;
}

export interface FoldVector {
  readonly name: string;
  readonly chunks: readonly Chunk[];
  readonly message: Message;
}

export interface Transcript {
  readonly name: string;
  readonly client?: {
    readonly clientId?: string;
    readonly token?: string;
    readonly dashboard?: boolean;
    readonly capabilities?: readonly string[];
  };
  readonly steps: readonly Readonly<Record<string, unknown>>[];
}

type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface Tables {
  readonly states: Readonly<Record<"stream" | "serverConnection" | "clientConnection" | "subscription", Table>>;
  readonly closes: Readonly<Record<string, number>>;
  readonly verdicts: Readonly<Record<string, "reconnect" | "stop">>;
  readonly limits: Readonly<Record<string, number>>;
}

export const FRAMES = read<readonly FrameVector[]>("frames");
export const FOLDS = read<readonly FoldVector[]>("folds");
export const TRANSCRIPTS = read<readonly Transcript[]>("transcripts");
export const TABLES = read<Tables>("tables");
