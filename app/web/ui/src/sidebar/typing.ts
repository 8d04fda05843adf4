/** A title that comes while one looks writes itself. */

import { useEffect, useState } from "react";
import { TITLE_LETTER_MS } from "../timing";

const isStill = (): boolean => document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches;

const WHOLE = Number.POSITIVE_INFINITY;

/**
 * As much of a title as is written by now.
 *
 * @param isRenamed whether a person writes it just now: theirs is not written once more.
 */
export function useTyped(title: string, isRenamed: boolean): string {
  const [typed, type] = useState({ title, isRenamed, length: WHOLE });
  if (typed.title !== title || typed.isRenamed !== isRenamed) {
    const isNew = typed.title !== title && !typed.isRenamed && !isStill();
    type({ title, isRenamed, length: isNew ? 0 : WHOLE }); // while rendering: the whole of it must not flash up before
  }
  useEffect(() => {
    if (typed.length >= typed.title.length) return;
    const timer = setTimeout(() => type({ ...typed, length: typed.length + 1 }), TITLE_LETTER_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return title.slice(0, typed.length);
}
