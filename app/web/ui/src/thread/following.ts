/** Keeps the end of a chat in sight while one is at its end, and only then. */

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

export interface Box {
  readonly scrollTop: number;
  readonly scrollHeight: number;
  readonly clientHeight: number;
}

/** Pixels from the end that still count as the end. */
const NEAR = 48;
/** Whoever scrolls up, however little, wants to read; but a fraction of a pixel is nobody's will. */
const EXACT = 4;

export function isAtEnd({ scrollTop, scrollHeight, clientHeight }: Box, lastTop: number): boolean {
  return scrollHeight - clientHeight - scrollTop < (scrollTop < lastTop ? EXACT : NEAR);
}

export interface Following {
  readonly box: RefObject<HTMLDivElement | null>;
  readonly content: RefObject<HTMLDivElement | null>;
  readonly isAtEnd: boolean;
  /** Go to the end, and stay there. */
  toEnd(): void;
  /** Something will come above: what one reads stays where it is. */
  hold(): void;
}

/** @param firstId the first message that is shown. */
export function useFollowing(firstId: string | undefined): Following {
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const place = useRef({ isAtEnd: true, top: 0 });
  const [atEnd, tell] = useState(true);
  const stick = useCallback(() => {
    if (place.current.isAtEnd && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, []);
  const toEnd = useCallback(() => {
    place.current.isAtEnd = true;
    tell(true);
    stick();
  }, [stick]);
  const held = useRef<number | null>(null);
  const hold = useCallback(() => {
    if (box.current) held.current = box.current.scrollHeight - box.current.scrollTop;
  }, []);
  useLayoutEffect(stick, [stick]);
  useLayoutEffect(() => {
    if (held.current !== null && box.current) box.current.scrollTop = box.current.scrollHeight - held.current;
    held.current = null;
  }, [firstId]);
  useEffect(() => {
    const element = box.current;
    if (!element || !content.current) return;
    const scrolled = () => {
      place.current = { isAtEnd: isAtEnd(element, place.current.top), top: element.scrollTop };
      tell(place.current.isAtEnd);
    };
    // After layout, so that asking for heights costs nothing.
    const grown = new ResizeObserver(stick);
    grown.observe(content.current);
    grown.observe(element);
    element.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      grown.disconnect();
      element.removeEventListener("scroll", scrolled);
    };
  }, [stick]);
  return { box, content, isAtEnd: atEnd, toEnd, hold };
}
