/** A markdown text that grows: a block that cannot change any more is never drawn again, so a selection in it stays. */

import { memo, useLayoutEffect, useRef } from "react";
import { type Block, Blocks } from "./blocks";
import { CodeBlock } from "./code";
import { nodes } from "./html";
import { patch } from "./patch";

export function Markdown({ text, isLive }: { readonly text: string; readonly isLive: boolean }) {
  const blocks = useRef<Blocks>(null);
  blocks.current ??= new Blocks();
  return (
    <div className="prose">
      {blocks.current.update(text, isLive).map((block) => (
        <BlockView key={block.at} block={block} />
      ))}
    </div>
  );
}

const BlockView = memo(function BlockView({ block: { raw, code, isOpen } }: { readonly block: Block }) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (place.current && !code) patch(place.current, nodes(raw, isOpen));
  }, [raw, code, isOpen]);
  if (code) return <CodeBlock text={code.text} language={code.language} isOpen={isOpen} />;
  return <div className="block" ref={place} />;
});
