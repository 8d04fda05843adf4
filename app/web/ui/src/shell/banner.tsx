/** Says that the connection is gone, once it is worth a word. */

import { useStore } from "../store";
import { useWorkspace } from "../workspace";

export function Banner() {
  const { client } = useWorkspace();
  const { isLive } = useStore(client.connection);
  return <div className="banner" data-testid="banner" role="status">{isLive ? "" : "Connecting…"}</div>;
}
