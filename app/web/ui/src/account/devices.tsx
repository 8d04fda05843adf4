/** Where one is signed in. */

import { call } from "../http";
import { ago } from "./ago";
import { Ending } from "./ending";

interface Device {
  readonly sessionId: string;
  readonly device?: string;
  readonly current: boolean;
  readonly seenAt?: number;
}

const words = ({ device = "Unknown device", current, seenAt }: Device): string =>
  `${device}, ${current ? "this one" : `seen ${ago(seenAt, Date.now())}`}`;

export function Devices() {
  return (
    <Ending<Device>
      title="Devices"
      none="None"
      ending="Sign out"
      read={async () => (await call<{ sessions: Device[] }>("GET", "/v1/auth/sessions")).sessions}
      keyOf={({ sessionId }) => sessionId}
      line={words}
      canEnd={({ current }) => !current}
      end={({ sessionId }) => call("DELETE", `/v1/auth/sessions/${sessionId}`)}
    >
      {(change) => (
        <button type="button" className="quiet" onClick={() => change(() => call("DELETE", "/v1/auth/sessions"))}>
          Sign out everywhere else
        </button>
      )}
    </Ending>
  );
}
