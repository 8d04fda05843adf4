/** A folded list that is read when it is opened, and from which things can be ended. */

import { type ReactNode, useState } from "react";
import { Section } from "./section";

interface EndingProps<Row> {
  readonly title: string;
  /** Said when there is nothing in it. */
  readonly none: string;
  /** What the button of each line says. */
  readonly ending: string;
  read(): Promise<readonly Row[]>;
  keyOf(row: Row): string;
  line(row: Row): string;
  canEnd?(row: Row): boolean;
  end(row: Row): Promise<unknown>;
  /** What stands below; `change` does something and reads the list again. */
  children(change: (act: () => Promise<unknown>) => void): ReactNode;
}

export function Ending<Row>({ title, none, ending, read, keyOf, line, canEnd = () => true, end, children }: EndingProps<Row>) {
  const [rows, list] = useState<readonly Row[] | null>(null);
  const [problem, say] = useState("");
  const render = async (change?: () => Promise<unknown>) => {
    say("");
    try {
      await change?.();
      list(await read());
    } catch (failure) {
      say((failure as Error).message);
    }
  };
  return (
    <Section title={title} opened={() => void render()}>
      <ul className="rows">
        {rows?.map((row) => (
          <li key={keyOf(row)}>
            <span className="name">{line(row)}</span>
            {canEnd(row) && (
              <button type="button" className="quiet" aria-label={`${ending} ${line(row)}`} onClick={() => void render(() => end(row))}>
                {ending}
              </button>
            )}
          </li>
        ))}
        {rows?.length === 0 && <li className="soft">{none}</li>}
      </ul>
      <p className="bad" role="alert">{problem}</p>
      {children((act) => void render(act))}
    </Section>
  );
}
