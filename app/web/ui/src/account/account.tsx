/** Who one is: the button below the chats, and the dialog that it opens. */

import { useEffect, useState } from "react";
import { Dialog } from "../shell/dialog";
import { Icon } from "../shell/icon";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { Enter, WAYS, type Way } from "./enter";
import { Forget, Home, TakeAlong } from "./home";

export function AccountButton() {
  const { session, dialogs } = useWorkspace();
  const { person } = useStore(session);
  return (
    <button type="button" className="account" aria-haspopup="dialog" data-testid="account-button" onClick={() => dialogs.set("account")}>
      <Icon name="person" />
      <span className="name">{person?.name ?? person?.email ?? "Sign in"}</span>
    </button>
  );
}

/** Opens by itself where nothing goes on until one signs in. */
export function AccountDialog() {
  const { session, dialogs } = useWorkspace();
  const { isLocked } = useStore(session);
  const isOpen = useStore(dialogs) === "account";
  useEffect(() => {
    if (isLocked) dialogs.set("account");
  }, [isLocked, dialogs]);
  return isOpen && <Account close={() => dialogs.set(null)} />;
}

function Account({ close }: { close(): void }) {
  const { session } = useWorkspace();
  const { person, isLocked } = useStore(session);
  const [way, turn] = useState<Way>("login");
  const isSomebody = person !== null && !person.guest && !isLocked;
  return (
    <Dialog title={isSomebody ? "Your account" : WAYS[way]} testId="account" close={close}>
      {isSomebody ? <Home person={person} /> : <Enter way={way} turn={turn} done={close} />}
      {person?.guest && way === "login" && <TakeAlong />}
      {person?.guest && way === "login" && <Forget isGuest />}
    </Dialog>
  );
}
