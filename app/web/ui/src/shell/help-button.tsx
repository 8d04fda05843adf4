/** Opens the help about keys. */

import { useWorkspace } from "../workspace";
import { Icon } from "./icon";

export function HelpButton() {
  const { dialogs } = useWorkspace();
  return (
    <button type="button" className="icon-button help" aria-haspopup="dialog" aria-label="Keys" title="Keys" onClick={() => dialogs.set("help")}>
      <Icon name="help" />
    </button>
  );
}
