/** A small menu beside the button that opened it: arrow keys go through it, Esc and a click elsewhere close it. */

import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef } from "react";

interface MenuProps {
  readonly anchor: HTMLElement;
  readonly label: string;
  readonly testId: string;
  /** Names what is in it: when that changes it is placed anew, and its first line has the focus. */
  readonly page?: string;
  readonly children: ReactNode;
  close(): void;
}

export function Menu({ anchor, label, testId, page = "", children, close }: MenuProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    element?.showPopover();
    return () => element?.hidePopover(); // gives the focus back to the button
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (!element.matches(":popover-open")) element.showPopover();
    place(element, anchor);
    element.querySelector("button")?.focus();
  }, [anchor, page]);
  return (
    <div
      ref={box}
      className="menu-box"
      popover="auto"
      role="group"
      aria-label={label}
      data-testid={testId}
      onToggle={(event) => event.newState === "closed" && close()}
      onKeyDown={walk}
    >
      {children}
    </div>
  );
}

/** Below the anchor, or above it where there is no room; never beyond an edge. */
function place(element: HTMLElement, anchor: HTMLElement): void {
  const { left, right, top, bottom } = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = element;
  const x = left + width > innerWidth - 8 ? right - width : left;
  const y = bottom + height > innerHeight - 8 ? top - height : bottom;
  element.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
  element.style.top = `${Math.max(8, y)}px`;
}

function walk(event: KeyboardEvent<HTMLElement>): void {
  const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
  const step = steps[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const lines = [...event.currentTarget.querySelectorAll("button")];
  const at = lines.indexOf(document.activeElement as HTMLButtonElement);
  lines[(at + step + lines.length) % lines.length]?.focus();
}
