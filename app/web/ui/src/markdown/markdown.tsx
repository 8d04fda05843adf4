/** A markdown text that grows: a block that cannot change any more is never drawn again, so a selection in it stays. */

import type { Store } from "@tidewire/client";
import { memo, type RefObject, useCallback, useLayoutEffect, useRef, useSyncExternalStore } from "react";
import { type Block, Blocks } from "./blocks";
import { CodeBlock } from "./code";
import { nodes } from "./html";
import { patch } from "./patch";

interface MarkdownProps {
  readonly text: string;
  readonly isLive: boolean;
  /** The text as it grows, newer than `text`: drawn without React while only the last block grows. */
  readonly words?: Store<string> | null;
}

export function Markdown({ text, isLive, words = null }: MarkdownProps) {
  const blocks = useRef<Blocks>(null);
  blocks.current ??= new Blocks();
  const place = useRef<HTMLDivElement>(null);
  useGrowing(words, blocks, place);
  return (
    <div className="prose" ref={place}>
      {blocks.current.update(words?.getSnapshot() ?? text, isLive).map((block) => (
        <BlockView key={block.at} block={block} />
      ))}
    </div>
  );
}

/** Draws words as they come: the last block where it stands, and with React whatever else has changed. */
function useGrowing(words: Store<string> | null, blocks: RefObject<Blocks | null>, place: RefObject<HTMLDivElement | null>): void {
  const changes = useRef(0);
  const subscribe = useCallback(
    (changed: () => void) => {
      if (!words) return () => {};
      const look = () => {
        if (blocks.current && drawOpen(blocks.current, words.getSnapshot(), place.current?.lastChild)) return;
        changes.current += 1;
        changed();
      };
      const leave = words.subscribe(look);
      look(); // for what came while React was drawing
      return leave;
    },
    [words, blocks, place],
  );
  useSyncExternalStore(subscribe, () => changes.current);
}

/**
 * Whether the open block could be drawn where it stands: in the last node, for React draws another list of blocks before
 * the next words come. What goes wrong here goes wrong with React again, within its guard.
 */
function drawOpen(blocks: Blocks, text: string, place: Node | null | undefined): boolean {
  try {
    const open = blocks.grow(text);
    if (!open || !place) return false;
    patch(place, nodes(open.raw, true));
    return true;
  } catch {
    return false;
  }
}

const BlockView = memo(function BlockView({ block: { raw, code, isOpen } }: { readonly block: Block }) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (place.current && !code) patch(place.current, nodes(raw, isOpen));
  }, [raw, code, isOpen]);
  if (code) return <CodeBlock text={code.text} language={code.language} isOpen={isOpen} />;
  return <div className="block" ref={place} />;
});
