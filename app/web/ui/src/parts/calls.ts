/** A call of a tool, in words: how people call the tool, and what they want to know of the call at a glance. */

import type { DynamicToolPart, ToolPart } from "@tidewire/client";
import { waitsForPerson } from "./waiting";

export type CallPart = ToolPart | DynamicToolPart;

/** What a model writes may be anything; whoever reads it is careful. */
type Loose = Readonly<Record<string, unknown>>;
const loose = (value: unknown): Loose => (typeof value === "object" && value !== null ? (value as Loose) : {});
const words = (value: unknown): string | null => (typeof value === "string" && value ? value : null);

interface Told {
  readonly title: string;
  readonly gist: string | null;
}

const quoted = (value: unknown): string | null => (words(value) ? `“${words(value)}”` : null);

const TOOLS: Readonly<Record<string, (input: Loose, output: Loose) => Told>> = {
  calculate: (input, output) => ({
    title: "Calculator",
    gist: words(output.result) ? `${words(input.expression)} = ${words(output.result)}` : words(input.expression),
  }),
  search_chats: ({ query }) => ({ title: "Search in your other chats", gist: quoted(query) }),
  search_documentation: ({ query }) => ({ title: "Search in the documentation", gist: quoted(query) }),
  ask_person: (_, { choice }) => ({ title: "Question for you", gist: words(choice) }),
};

const STATES: Readonly<Partial<Record<CallPart["state"], string>>> = {
  "output-available": "",
  "output-error": "failed",
  "output-denied": "not allowed",
};

export const nameOf = (part: CallPart): string =>
  part.type === "dynamic-tool" ? (part as DynamicToolPart).toolName : part.type.slice("tool-".length);

/** How a call is told in one line. */
export function told(part: CallPart): Told {
  const name = nameOf(part);
  const tell = Object.hasOwn(TOOLS, name) ? TOOLS[name] : undefined;
  return tell?.(loose(part.input), loose(part.output)) ?? { title: name.replaceAll("_", " "), gist: null };
}

/** How a call stands, in words; empty when its result says it. */
export const stateWords = (part: CallPart, isLive: boolean): string =>
  isLive && waitsForPerson(part) ? "waits for you" : (STATES[part.state] ?? (isLive ? "…" : "not finished"));

/** What can be read of a call when it is unfolded. */
export const details = ({ input, output, errorText, approval }: CallPart): readonly (readonly [string, string])[] =>
  ([["Asked", input], ["Result", output], ["Error", errorText], ["Reason", approval?.reason]] as const).flatMap(([label, value]) =>
    value === undefined || value === null ? [] : [[label, typeof value === "string" ? value : JSON.stringify(value, null, 2)] as const],
  );

/** What the model asks a person, and the answers it offers. */
export function choiceOf(part: CallPart): { readonly question: string; readonly choices: readonly string[] } {
  const { question, choices } = loose(part.input);
  const offered = Array.isArray(choices) ? choices.filter((choice) => typeof choice === "string") : [];
  return { question: words(question) ?? "", choices: offered };
}
