/** A title that comes while one looks writes itself. */

import { useEffect, useRef, useState } from "react";
import { TITLE_LETTER_MS } from "../timing";

const isStill = (): boolean => document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches;

/** As much of a title as is written by now. */
export function useTyped(title: string): string {
  const last = useRef(title);
  const [length, write] = useState(Number.POSITIVE_INFINITY);
  useEffect(() => {
    if (last.current === title) return;
    last.current = title;
    if (isStill()) return write(Number.POSITIVE_INFINITY);
    let written = 0;
    write(0);
    const timer = setInterval(() => {
      write((written += 1));
      if (written >= title.length) clearInterval(timer);
    }, TITLE_LETTER_MS);
    return () => {
      clearInterval(timer);
      write(Number.POSITIVE_INFINITY);
    };
  }, [title]);
  return title.slice(0, length);
}
