/** Says what happens to people who listen instead of looking; never a token. */

import { useStore } from "../store";
import { useWorkspace } from "../workspace";

export function Announcer() {
  const { said } = useWorkspace();
  return <div className="spoken" role="status" aria-live="polite" data-testid="live">{useStore(said)}</div>;
}
