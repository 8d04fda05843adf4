import type { Part } from "@tidewire/client";
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ThreadMessage } from "../../src/chat/message";
import type { Thread } from "../../src/chat/thread";
import type { ThreadView } from "../../src/chat/view";
import { broken, Guard } from "../../src/shell/guard";
import { Value } from "../../src/store";
import { Turns } from "../../src/thread/turns";
import { type Workspace, WorkspaceContext } from "../../src/workspace";

const workspace = { connected: new Value(true), client: { dashboard: new Value({ models: [] }) } } as unknown as Workspace;
const STRANGE = {} as Part; // of no kind at all: drawing it fails
const SAID = "This message could not be drawn as it should be; these are its words.";

function message(id: string, role: "user" | "assistant", ...parts: readonly Part[]): ThreadMessage {
  const status = role === "user" ? "stored" : "completed";
  const rest = { answer: null, origin: "before", commandId: null, isWaiting: false, error: null, isRewriting: false } as const;
  return { id, role, status, message: { id, role, parts }, ...rest };
}

const text = (words: string): Part => ({ type: "text", text: words });

let root: Root;
let place: HTMLElement;
beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  vi.spyOn(console, "error").mockImplementation(() => {}); // React tells what was caught
  place = document.createElement("div");
  root = createRoot(place);
});
afterEach(() => {
  act(() => root.unmount());
  vi.restoreAllMocks();
});

describe("a message that cannot be drawn", () => {
  const draw = (...messages: ThreadMessage[]) => {
    const view = { messages, isBusy: false, state: "ready" } as unknown as ThreadView;
    act(() =>
      root.render(
        <WorkspaceContext value={workspace}>
          <Turns thread={{ chatId: "c" } as Thread} view={view} isNew={false} hasQueue={false} />
        </WorkspaceContext>,
      ),
    );
    return [...place.querySelectorAll("article")].map((article) => article.textContent);
  };

  it("shows its words, and leaves the others as they are", () => {
    const [asked, answered, thanked] = draw(
      message("q", "user", text("Why?")),
      message("a", "assistant", text("Because **so**."), STRANGE),
      message("t", "user", text("Thanks.")),
    );
    expect(asked).toContain("Why?");
    expect(answered).toBe(`Because **so**.${SAID}`);
    expect(thanked).toContain("Thanks.");
  });

  it("is drawn again as soon as it is another", () => {
    const question = message("q", "user", text("Why?"));
    draw(question, message("a", "assistant", text("So"), STRANGE));
    expect(draw(question, message("a", "assistant", text("So."), STRANGE))[1]).toBe(`So.${SAID}`);
    const [, answer] = draw(question, message("a", "assistant", text("So it is.")));
    expect(answer).toContain("So it is.");
    expect(answer).not.toContain(SAID);
  });

  it("says that it has words even when those cannot be read", () => {
    expect(draw(message("a", "assistant", null as unknown as Part))).toEqual([`…${SAID}`]);
  });
});

it("a part of the page that cannot be drawn can be tried again", () => {
  let isWell = false;
  const Pane = () => {
    if (!isWell) throw new Error("drawn wrong");
    return <p>The chat</p>;
  };
  act(() => root.render(<Guard of="c" instead={broken("This chat could not be shown.")}><Pane /></Guard>));
  expect(place.textContent).toBe("This chat could not be shown.Try again");
  isWell = true;
  act(() => place.querySelector("button")?.click());
  expect(place.textContent).toBe("The chat");
});
