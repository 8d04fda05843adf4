/** A block of code, with its language and a button that copies it; coloured once it is whole. */

import { useEffect, useState } from "react";
import { copyText } from "../shell/copying";
import { DONE_MS } from "../timing";
import { useWorkspace } from "../workspace";

interface CodeProps {
  readonly text: string;
  readonly language: string;
  readonly isOpen: boolean;
}

export function CodeBlock({ text, language, isOpen }: CodeProps) {
  const coloured = useColours(text, language, isOpen);
  return (
    <div className="code" data-language={language || undefined}>
      <div className="code-head">
        <span>{language}</span>
        <CopyCode text={text} />
      </div>
      <pre tabIndex={0}>
        {coloured === null ? <code>{text}</code> : <code dangerouslySetInnerHTML={{ __html: coloured }} />}
      </pre>
    </div>
  );
}

/** The code with colours; null until they are there. They are loaded with the first block that wants them. */
function useColours(text: string, language: string, isOpen: boolean): string | null {
  const [coloured, colour] = useState<{ readonly text: string; readonly html: string | null }>({ text: "", html: null });
  useEffect(() => {
    if (isOpen || !language) return;
    let isWanted = true;
    void import("./colours").then(
      ({ colours }) => isWanted && colour({ text, html: colours(text, language) }),
      () => {}, // without a line: it is only colour
    );
    return () => void (isWanted = false);
  }, [text, language, isOpen]);
  return coloured.text === text ? coloured.html : null;
}

function CopyCode({ text }: { readonly text: string }) {
  const { said } = useWorkspace();
  const [isDone, done] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => done(false), DONE_MS);
    return () => clearTimeout(timer);
  }, [isDone]);
  const copy = () =>
    copyText(text).then(
      () => done(true),
      () => said.set("The browser does not allow copying."),
    );
  return <button type="button" className="quiet" aria-label={isDone ? "Copied" : "Copy code"} onClick={() => void copy()}>{isDone ? "Copied" : "Copy"}</button>;
}
