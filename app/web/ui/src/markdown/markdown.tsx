/** A markdown text that grows: a block that cannot change any more is never drawn again, so a selection in it stays. */

import { memo, useRef } from "react";
import { type Block, Blocks } from "./blocks";
import { CodeBlock } from "./code";
import { html } from "./html";

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
  if (code) return <CodeBlock text={code.text} language={code.language} isOpen={isOpen} />;
  return <div className="block" dangerouslySetInnerHTML={{ __html: html(raw, isOpen) }} />;
});
