import { beforeEach, describe, expect, it } from "vitest";
import type { KeyboardEvent } from "react";
import { keepPlace, walk } from "../src/sidebar/walking";

const row = (id: string) => `<li data-chat-id="${id}"><a href="/c/${id}" id="${id}"></a><button id="more-${id}"></button></li>`;

beforeEach(() => {
  document.body.innerHTML = `<input id="search"><div class="lists"><ul>${row("a")}${row("b")}</ul><ul>${row("c")}</ul></div>`;
});

const at = () => document.activeElement?.id;
const be = (id: string) => document.getElementById(id)?.focus();
const press = (key: string) => walk({ key, preventDefault: () => {} } as KeyboardEvent);

describe("the arrow keys", () => {
  it("go from the search to the chats of all lists, and back", () => {
    be("search");
    const places = ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp"];
    expect(places.map((key) => (press(key), at()))).toEqual(["a", "b", "c", "c", "b", "a", "search", "search"]);
  });

  it("are left to whatever else has the focus", () => {
    be("more-a");
    press("ArrowDown");
    expect(at()).toBe("more-a");
  });
});

describe("whoever is at a chat that goes away", () => {
  const after = async (id: string, act: () => void) => {
    be(`more-${id}`);
    keepPlace(id, act);
    await new Promise(requestAnimationFrame);
    return at();
  };
  const remove = (id: string) => document.querySelector(`[data-chat-id=${id}]`)?.remove();

  it("is at the next one", async () => {
    expect(await after("b", () => remove("b"))).toBe("c");
    expect(await after("c", () => remove("c"))).toBe("a");
    expect(await after("a", () => remove("a"))).toBe("search");
  });

  it("follows one that only moves", async () => {
    const move = () => document.querySelector("ul:last-child")?.append(document.querySelector("[data-chat-id=a]") ?? "");
    expect(await after("a", () => (move(), (document.activeElement as HTMLElement | null)?.blur()))).toBe("a");
  });

  it("stays where the deed has taken them", async () => {
    expect(await after("b", () => (remove("b"), be("search")))).toBe("search");
  });
});
