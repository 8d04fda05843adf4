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

/** Where one stood last, and whether that was the end. */
export interface Stand {
  readonly isAtEnd: boolean;
  readonly top: number;
}

/**
 * Whether one is at the end now. Only a way up leads away from it: an answer that grows between a scroll and its event
 * is nobody's will to read further up.
 */
export function isAtEnd({ scrollTop, scrollHeight, clientHeight }: Box, last: Stand): boolean {
  const left = scrollHeight - clientHeight - scrollTop;
  return scrollTop < last.top ? left < EXACT : last.isAtEnd || left < NEAR;
}

/** Whether one stays at the end. Who has just scrolled up may not have been heard yet: the event comes with the next frame. */
const isFollowing = (box: Box, last: Stand): boolean => last.isAtEnd && isAtEnd(box, last);

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
  const place = useRef<Stand>({ isAtEnd: true, top: 0 });
  const [atEnd, tell] = useState(true);
  const stick = useCallback(() => {
    const element = box.current;
    if (!element || !isFollowing(element, place.current)) return;
    element.scrollTop = element.scrollHeight;
    place.current = { isAtEnd: true, top: element.scrollTop }; // what shrinks moves one up, too
  }, []);
  const toEnd = useCallback(() => {
    place.current = { isAtEnd: true, top: 0 }; // wherever one came from
    tell(true);
    stick();
  }, [stick]);
  const held = useRef<number | null>(null);
  const hold = useCallback(() => {
    if (box.current) held.current = box.current.scrollHeight - box.current.scrollTop;
  }, []);
  // Not by a container's unit: each growth of an answer would then style the whole chat once more.
  const tellRoom = useCallback(() => {
    if (box.current) content.current?.style.setProperty("--room", `${box.current.clientHeight}px`);
  }, []);
  useLayoutEffect(tellRoom, [tellRoom]);
  useLayoutEffect(stick, [stick]);
  useLayoutEffect(() => {
    if (held.current !== null && box.current) box.current.scrollTop = box.current.scrollHeight - held.current;
    held.current = null;
  }, [firstId]);
  useEffect(() => {
    const element = box.current;
    if (!element || !content.current) return;
    const scrolled = () => {
      place.current = { isAtEnd: isAtEnd(element, place.current), top: element.scrollTop };
      tell(place.current.isAtEnd);
    };
    // Before the frame that shows new words: its scroll event then belongs to it, and needs no frame of its own.
    const written = new MutationObserver(stick);
    written.observe(content.current, { childList: true, characterData: true, subtree: true });
    // For what grows by itself, as pictures do: after layout, so that asking for heights costs nothing.
    const grown = new ResizeObserver(() => {
      // Where a larger window has moved one up, that is the end only until there is more room below it.
      const follows = isFollowing(element, place.current);
      tellRoom();
      if (follows) toEnd();
    });
    grown.observe(content.current);
    grown.observe(element);
    element.addEventListener("scroll", scrolled, { passive: true });
    return () => {
      written.disconnect();
      grown.disconnect();
      element.removeEventListener("scroll", scrolled);
    };
  }, [stick, tellRoom, toEnd]);
  return { box, content, isAtEnd: atEnd, toEnd, hold };
}
