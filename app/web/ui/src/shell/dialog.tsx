/** A dialog over the page: one title, one cross; Esc and a click beside it close it. */

import { type MouseEvent, type ReactNode, useEffect, useId, useRef } from "react";
import { Icon } from "./icon";

interface DialogProps {
  readonly title: string;
  readonly testId: string;
  readonly children: ReactNode;
  close(): void;
}

export function Dialog({ title, testId, children, close }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const element = box.current;
    element?.showModal();
    element?.querySelector("input")?.focus(); // rather than the cross
    return () => element?.close(); // gives the focus back to where it was
  }, []);
  const beside = ({ target, currentTarget }: MouseEvent) => {
    if (target === currentTarget) close();
  };
  return (
    <dialog ref={box} className="box" aria-labelledby={titleId} data-testid={testId} onClose={close} onMouseDown={beside}>
      <div className="box-head">
        <h2 id={titleId}>{title}</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={close}><Icon name="close" /></button>
      </div>
      <div className="box-body">{children}</div>
    </dialog>
  );
}
