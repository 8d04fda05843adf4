/**
 * Readers: functions that take JSON of unknown shape and return a value of a type, or throw.
 *
 * An object is read into a new one: unknown fields are left behind, `null` counts as absent, and a flag that is false
 * by default is left out. The fields of a reader are checked against the generated type, so neither can drift.
 */

import type { JsonObject } from "./frames.js";

export type Read<T> = (value: unknown) => T;

/** A frame or result is not what the protocol says. */
export class BrokenFrame extends Error {
  override readonly name = "BrokenFrame";
}

interface Maybe<T> {
  readonly maybe: Read<T>;
}

type Field<T, K extends keyof T> = object extends Pick<T, K> ? Maybe<Exclude<T[K], undefined>> : Read<T[K]>;
type Fields<T> = { readonly [K in keyof T]-?: Field<T, K> };

const wrong = (expected: string): never => {
  throw new BrokenFrame(`expected ${expected}`);
};

export const text: Read<string> = (value) => (typeof value === "string" ? value : wrong("a string"));
export const flag: Read<boolean> = (value) => (typeof value === "boolean" ? value : wrong("true or false"));
/** A flag that is false by default, and then left out. */
export const mark: Read<boolean> = (value) => flag(value);
export const whole: Read<number> = (value) =>
  Number.isSafeInteger(value) ? (value as number) : wrong("a whole number");
export const anything: Read<unknown> = (value) => value;

/** Free JSON under a roof: an object whose fields are the business of whoever wrote it. */
export const json: Read<JsonObject> = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : wrong("an object");

export const list =
  <T>(read: Read<T>): Read<readonly T[]> =>
  (value) =>
    Array.isArray(value) ? value.map(read) : wrong("an array");

/** One of these strings. */
export const oneOf = <const T extends readonly string[]>(...names: T): Read<T[number]> => {
  const known: ReadonlySet<string> = new Set(names);
  return (value) => (known.has(text(value)) ? (value as T[number]) : wrong(names.join(" or ")));
};

export const record =
  <T>(read: Read<T>): Read<Readonly<Record<string, T>>> =>
  (value) =>
    Object.fromEntries(Object.entries(json(value)).map(([name, inner]) => [name, read(inner)]));

export const pair: Read<readonly [number, number]> = (value) =>
  Array.isArray(value) && value.length === 2 ? [whole(value[0]), whole(value[1])] : wrong("two numbers");

/** A field that may be left out. */
export const maybe = <T>(read: Read<T>): Maybe<T> => ({ maybe: read });

/** An object with these fields. */
export function object<T>(fields: Fields<T>): Read<T> {
  const known = Object.entries(fields) as [string, Read<unknown> | Maybe<unknown>][];
  return (value) => {
    const given = json(value);
    const found: Record<string, unknown> = {};
    for (const [name, field] of known) {
      const inner = given[name];
      if (typeof field === "function") found[name] = field(inner);
      else if (inner !== undefined && inner !== null) {
        const read = field.maybe(inner);
        if (read !== false || field.maybe !== mark) found[name] = read;
      }
    }
    return found as T;
  };
}
