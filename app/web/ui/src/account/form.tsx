/** A form whose errors stand beside the field they are about. */

import { type FormEvent, type InputHTMLAttributes, useEffect, useId, useRef, useState } from "react";
import { Refusal } from "../http";

export interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly name: string;
  readonly label: string;
  readonly optional?: boolean;
  /** Shown only once something is said about it. */
  readonly isHidden?: boolean;
}

interface FormProps {
  readonly fields: readonly FieldProps[];
  /** What the button says. */
  readonly words: string;
  readonly isGrave?: boolean;
  /** Whose password it asks for: what keeps passwords must know. */
  readonly username?: string | undefined;
  /** Throws a `Refusal` that says what is wrong. */
  act(values: Readonly<Record<string, string>>): Promise<void>;
}

interface Problem {
  /** The field it is about; null: the whole. */
  readonly name: string | null;
  readonly words: string;
}

export function Form({ fields, words, isGrave = false, username, act }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [problem, say] = useState<Problem | null>(null);
  const [isBusy, be] = useState(false);
  const [shown, show] = useState<readonly string[]>([]);
  useEffect(() => {
    if (problem?.name) form.current?.querySelector<HTMLInputElement>(`[name="${problem.name}"]`)?.focus();
  }, [problem]);
  const isHidden = (field: FieldProps) => field.isHidden === true && !shown.includes(field.name);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const element = event.currentTarget;
    const given = [...new FormData(element)].map(([name, value]) => [name, String(value)] as const);
    const values = Object.fromEntries(given.filter(([, value]) => value !== ""));
    const missing = fields.find((field) => !field.optional && !isHidden(field) && !values[field.name]?.trim());
    if (missing) return say({ name: missing.name, words: "Please fill this in." });
    be(true);
    say(null);
    try {
      await act(values);
      element.reset();
    } catch (failure) {
      const { message, param } = failure as Refusal;
      const about = fields.find(({ name }) => param === `$.${name}`);
      if (about?.isHidden) show([...shown, about.name]);
      say({ name: about?.name ?? null, words: message });
    } finally {
      be(false);
    }
  };
  return (
    <form ref={form} className="form" noValidate onSubmit={(event) => void submit(event)}>
      {username && <input autoComplete="username" value={username} readOnly hidden />}
      {fields.map((field) => (
        <Field key={field.name} {...field} isHidden={isHidden(field)} problem={problem?.name === field.name ? problem.words : ""} />
      ))}
      <p className="bad" role="alert">{problem?.name === null ? problem.words : ""}</p>
      <button type="submit" className={isGrave ? "primary grave" : "primary"} disabled={isBusy}>{words}</button>
    </form>
  );
}

function Field({ label, optional: _, isHidden, problem, ...input }: FieldProps & { readonly problem: string }) {
  const id = useId();
  return (
    <label htmlFor={id} hidden={isHidden}>
      {label}
      <input type="text" maxLength={512} {...input} id={id} aria-describedby={`${id}-error`} aria-invalid={problem !== ""} />
      <span id={`${id}-error`} className="bad" role="alert">{problem}</span>
    </label>
  );
}
