/** Links to places of the page go there without loading it anew. */

import { useEffect } from "react";
import { useWorkspace } from "../workspace";

/** Whether a click on a link is an ordinary one: nothing that opens a tab, saves a file or leaves the page. */
function isOrdinary(link: HTMLAnchorElement, event: MouseEvent): boolean {
  if (event.defaultPrevented || event.button !== 0 || link.target || link.hasAttribute("download")) return false;
  return !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
}

export function useLinks(): void {
  const { places, drawer } = useWorkspace();
  useEffect(() => {
    const click = (event: MouseEvent) => {
      const link = (event.target as Element | null)?.closest?.<HTMLAnchorElement>("a[href^='/']");
      if (!link || !isOrdinary(link, event)) return;
      event.preventDefault();
      places.go(link.getAttribute("href") ?? "/");
      drawer.close();
    };
    document.addEventListener("click", click);
    return () => document.removeEventListener("click", click);
  }, [places, drawer]);
}
