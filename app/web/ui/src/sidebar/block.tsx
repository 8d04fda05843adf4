/**
 * A list of chats in blocks, of which only those near the screen are drawn.
 *
 * Every row is equally high, so a block that is not drawn is a space of the same height: the list is as long as it is,
 * and ten thousand chats cost no more than a hundred.
 */

import type { DashboardChat } from "@tidewire/client";
import { memo, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Row, type RowDeeds } from "./row";

export const BLOCK = 40;
/** How far beyond the screen rows are drawn already. */
const MARGIN = "1000px 0px";

/** Rows in blocks of at most `size`. */
export const blocksOf = <T,>(rows: readonly T[], size = BLOCK): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(rows.length / size) }, (_, at) => rows.slice(at * size, (at + 1) * size));

interface RowsProps {
  readonly chats: readonly DashboardChat[];
  readonly shownId: string;
  readonly renamedId: string | null;
  readonly label: string;
  readonly deeds: RowDeeds;
}

export function Rows({ chats, label, ...rest }: RowsProps) {
  return blocksOf(chats).map((block, at) => <Block key={at} chats={block} label={at === 0 ? label : `${label}, continued`} {...rest} />);
}

const Block = memo(function Block({ chats, shownId, renamedId, label, deeds }: RowsProps) {
  const list = useRef<HTMLUListElement>(null);
  const [isNear, be] = useState(chats.length < BLOCK);
  useEffect(() => {
    const element = list.current;
    if (!element) return;
    const looker = new IntersectionObserver((entries) => be(entries.at(-1)?.isIntersecting === true), {
      root: element.closest(".lists"),
      rootMargin: MARGIN,
    });
    looker.observe(element);
    return () => looker.disconnect();
  }, []);
  useLayoutEffect(() => list.current?.style.setProperty("--rows", String(chats.length)), [chats.length]);
  return (
    <ul ref={list} className="rows-of-chats" aria-label={label}>
      {isNear && chats.map((chat) => (
        <Row key={chat.chatId} chat={chat} isShown={chat.chatId === shownId} isRenamed={chat.chatId === renamedId} deeds={deeds} />
      ))}
    </ul>
  );
}, sameBlock);

/** Whether a block would be drawn as it is. */
function sameBlock(one: RowsProps, other: RowsProps): boolean {
  const holds = (id: string | null) => one.chats.some(({ chatId }) => chatId === id) || other.chats.some(({ chatId }) => chatId === id);
  return (
    one.deeds === other.deeds &&
    one.label === other.label &&
    one.chats.length === other.chats.length &&
    one.chats.every((chat, at) => chat === other.chats[at]) &&
    (one.shownId === other.shownId || !(holds(one.shownId) || holds(other.shownId))) &&
    (one.renamedId === other.renamedId || !(holds(one.renamedId) || holds(other.renamedId)))
  );
}
