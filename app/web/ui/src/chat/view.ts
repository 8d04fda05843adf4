/** A chat as it is shown: a value. */

import type { Outgoing } from "@tidewire/client";
import type { ThreadMessage } from "./message";

/** What a chat shows; replaced as a whole whenever something in it changes, but not for the words of an answer. */
export interface ThreadView {
  /** `new` before anything was asked of the server. */
  readonly state: "new" | "loading" | "loaded" | "missing" | "failed";
  /** Why it could not be read. */
  readonly problem: string | null;
  readonly messages: readonly ThreadMessage[];
  /** Questions on their way to the queue of the chat. */
  readonly ahead: readonly Outgoing[];
  readonly hasEarlier: boolean;
  /** Whether something is being answered here, be it on a branch that is not shown. */
  readonly isBusy: boolean;
  readonly isStopping: boolean;
}
