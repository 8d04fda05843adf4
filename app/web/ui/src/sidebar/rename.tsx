/** Writes another name in place: Enter or a click elsewhere keeps it, Escape does not. */

import { type KeyboardEvent, useEffect, useRef } from "react";

interface RenameProps {
  readonly title: string;
  /** @param title null: as it was. */
  done(title: string | null): void;
}

export function Rename({ title, done }: RenameProps) {
  const input = useRef<HTMLInputElement>(null);
  const isOver = useRef(false);
  useEffect(() => input.current?.select(), []);
  const finish = (isKept: boolean) => {
    if (isOver.current) return; // taking the input away blurs it
    isOver.current = true;
    const words = input.current?.value.trim() ?? "";
    done(isKept && words && words !== title ? words : null);
  };
  const press = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (!event.nativeEvent.isComposing && (event.key === "Enter" || event.key === "Escape")) finish(event.key === "Enter");
  };
  return (
    <input ref={input} className="rename" defaultValue={title} maxLength={200} aria-label="Name of the chat" onBlur={() => finish(true)} onKeyDown={press} />
  );
}
