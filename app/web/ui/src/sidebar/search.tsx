/** Finds chats by the words in their titles and messages. */

import { type KeyboardEvent, useEffect, useRef } from "react";
import { Icon } from "../shell/icon";
import { useStore } from "../store";
import { SEARCH_AFTER_MS } from "../timing";
import { useWorkspace } from "../workspace";
import type { Found } from "./found";

interface SearchProps {
  readonly words: string;
  readonly found: Found;
  write(words: string): void;
}

export function Search({ words, found, write }: SearchProps) {
  const { client, places } = useWorkspace();
  const isFirst = useRef(true);
  const query = words.trim();
  const { isLive } = useStore(client.connection);
  useEffect(() => {
    if (!isLive || (isFirst.current && !query)) return; // a new connection is asked again: what was found may be old
    isFirst.current = false;
    const ask = () => void found.ask(query ? { query } : null);
    const timer = setTimeout(ask, query ? SEARCH_AFTER_MS : 0);
    return () => clearTimeout(timer);
  }, [found, query, isLive]);
  /** Asked beside the list, which is behind the last key. */
  const openFirst = async () => {
    const { chats } = await client.search(query, { limit: 1 });
    if (chats[0]) places.go(`/c/${chats[0].chatId}`);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.nativeEvent.isComposing && query) void openFirst().catch(() => {}); // the list says what there is
    if (event.key !== "Escape" || event.shiftKey || event.nativeEvent.isComposing || !words) return;
    event.preventDefault(); // the search's own Escape, and the one that stops the answer
    event.stopPropagation();
    write("");
  };
  return (
    <div className="find">
      <Icon name="search" />
      <input
        id="search"
        className="search"
        type="search"
        placeholder="Search"
        aria-label="Search in chats"
        data-testid="search"
        autoComplete="off"
        maxLength={200}
        value={words}
        onChange={({ target }) => write(target.value)}
        onKeyDown={press}
      />
    </div>
  );
}
