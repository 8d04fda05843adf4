/** The keys of the page, in a dialog. */

import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { Dialog } from "./dialog";
import { isMac, keysOf, type Shortcut, SHORTCUTS } from "./shortcuts";

/** Keys that belong to the composer, and are said here with the others. */
const OTHERS: readonly (readonly [string, readonly string[]])[] = [
  ["Send, or ask ahead", ["Enter"]],
  ["New line", ["Shift", "Enter"]],
  ["Stop the answer", ["Esc"]],
];

export function HelpDialog() {
  const { dialogs } = useWorkspace();
  if (useStore(dialogs) !== "help") return null;
  const own = Object.entries(SHORTCUTS).map(([name, { words }]) => [words, keysOf(name as Shortcut, isMac())] as const);
  return (
    <Dialog title="Keys" testId="help" close={() => dialogs.set(null)}>
      <dl className="keys">
        {[...own, ...OTHERS].map(([words, keys]) => (
          <div key={words}>
            <dt>{words}</dt>
            <dd>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
