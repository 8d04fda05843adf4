/** What somebody who is signed in can do: password, devices, tokens, and the way out. */

import { useState } from "react";
import { call, Refusal } from "../http";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { Devices } from "./devices";
import { Form } from "./form";
import { Section } from "./section";
import { type Person, startOver } from "./session";
import { Tokens } from "./tokens";

export function Home({ person: { name, email } }: { readonly person: Person }) {
  const leave = useLeave();
  return (
    <>
      <div className="who">
        <p>{name && <strong>{name}</strong>}{email}</p>
        <button type="button" className="primary plain" onClick={() => void leave("POST", "logout")}>Sign out</button>
      </div>
      {email && <Password email={email} />}
      <Devices />
      <Tokens />
      <TakeAlong />
      <Forget isGuest={false} />
    </>
  );
}

/** End the session or more, then begin anew as nobody. */
function useLeave() {
  const { toasts } = useWorkspace();
  return async (method: "POST" | "DELETE", path: string, body: object = {}) => {
    toasts.closeAll(); // afterwards nobody may carry it out any more
    await call(method, `/v1/auth/${path}`, body).catch((failure) => {
      if (!(failure instanceof Refusal) || failure.status !== 401) throw failure; // gone already: so much the better
    });
    startOver();
  };
}

function Password({ email }: { readonly email: string }) {
  const [isDone, done] = useState(false);
  const change = async (given: object) => {
    done(false);
    await call("POST", "/v1/auth/password", given);
    done(true);
  };
  return (
    <Section title="Password">
      <Form
        fields={[
          { name: "current", label: "Password until now", type: "password", autoComplete: "current-password" },
          { name: "new", label: "New password", type: "password", autoComplete: "new-password" },
        ]}
        words="Change password"
        username={email}
        act={change}
      />
      <p className="soft" role="status">{isDone ? "Changed. Your other devices are signed out." : ""}</p>
    </Section>
  );
}

/** Everything one has here, as a file. */
export function TakeAlong() {
  const { filing } = useWorkspace();
  if (useStore(filing).chats.length === 0) return null;
  return (
    <Section title="Download my chats">
      <p>
        <a href="/v1/export?format=markdown" download>To be read (Markdown)</a>
        {" · "}
        <a href="/v1/export?format=json" download>For programs (JSON)</a>
      </p>
    </Section>
  );
}

/** The end of an account, or of a guest. */
export function Forget({ isGuest }: { readonly isGuest: boolean }) {
  const { filing } = useWorkspace();
  const leave = useLeave();
  const count = useStore(filing).chats.length;
  if (isGuest && count === 0) return null;
  const words = isGuest ? "Delete all chats of this guest" : "Delete account";
  return (
    <Section title={words}>
      <p className="soft">All chats go, on every device. There is no way back.</p>
      <Form
        fields={isGuest ? [] : [{ name: "password", label: "Password", type: "password", autoComplete: "current-password" }]}
        words={`${words} for good`}
        isGrave
        act={(given) => leave("DELETE", "account", given)}
      />
    </Section>
  );
}
