import { describe, expect, it } from "vitest";
import { keysOf, type Press, type Shortcut, SHORTCUTS, shortcutOf } from "../src/shell/shortcuts";
import { nextTheme } from "../src/shell/theme";

const press = (key: string, keys: Partial<Press> = {}): Press => ({ key, ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...keys });
const ctrl = { ctrlKey: true };

describe("a press", () => {
  it.each([
    [press("O", { ...ctrl, shiftKey: true }), "new"],
    [press("o", { metaKey: true, shiftKey: true }), "new"],
    [press("k", ctrl), "search"],
    [press("K", ctrl), "search"], // with caps lock
    [press("s", ctrl), "sidebar"],
    [press("S", { ...ctrl, shiftKey: true }), "sidebar"],
    [press("/", ctrl), "help"],
    [press("/", { ...ctrl, shiftKey: true }), "help"], // where the sign is typed with Shift
    [press("Escape", { shiftKey: true }), "focus"],
    [press("z", ctrl), "undo"],
    [press("C", { ...ctrl, shiftKey: true }), "copy"],
  ] as const)("%o asks for %s", (pressed, wanted) => expect(shortcutOf(pressed)).toBe(wanted));

  it.each([press("Escape"), press("c", ctrl), press("k"), press("k", { ...ctrl, altKey: true }), press("o", ctrl), press("k", { ...ctrl, shiftKey: true })])(
    "%o is not ours",
    (pressed) => expect(shortcutOf(pressed)).toBeNull(),
  );
});

it("no two shortcuts are written alike", () => {
  const written = (Object.keys(SHORTCUTS) as Shortcut[]).map((name) => keysOf(name, false).join("+"));
  expect(new Set(written).size).toBe(written.length);
  expect(keysOf("new", true)).toEqual(["⌘", "⇧", "O"]);
});

it("the themes go round", () => {
  expect([nextTheme("system"), nextTheme("light"), nextTheme("dark")]).toEqual(["light", "dark", "system"]);
});
