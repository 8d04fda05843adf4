/** The drawer of a narrow page: takes the focus when it opens, gives it back, and goes with Escape or another chat. */

import { useEffect } from "react";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import type { DrawerView } from "./drawer";

export function useDrawer(): DrawerView {
  const { drawer, places } = useWorkspace();
  const view = useStore(drawer);
  const { chatId } = useStore(places);
  useEffect(() => drawer.close(), [drawer, chatId]);
  useEffect(() => {
    if (!view.isOpen) return;
    document.querySelector<HTMLElement>("#sidebar .new")?.focus();
    const press = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], :popover-open")) return;
      drawer.close();
    };
    document.addEventListener("keydown", press);
    return () => {
      document.removeEventListener("keydown", press);
      requestAnimationFrame(giveBack); // once what stood behind it takes the focus again
    };
  }, [drawer, view.isOpen]);
  return view;
}

/** Whoever was in the drawer is at the button that opens it; who went elsewhere stays there. */
function giveBack(): void {
  const { activeElement } = document;
  const isInside = activeElement === document.body || activeElement?.closest("#sidebar");
  if (isInside) document.querySelector<HTMLElement>(".menu")?.focus();
}
