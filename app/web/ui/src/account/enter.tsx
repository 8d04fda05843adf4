/** Signing in, and making an account. */

import { useEffect, useRef } from "react";
import { call } from "../http";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { type FieldProps, Form } from "./form";

export type Way = "login" | "register";

export const WAYS: Readonly<Record<Way, string>> = { login: "Sign in", register: "Create an account" };

const fieldsOf = (way: Way): readonly FieldProps[] => [
  { name: "email", label: "Email", type: "email", autoComplete: "username" },
  { name: "password", label: "Password", type: "password", autoComplete: way === "register" ? "new-password" : "current-password" },
  ...(way === "register" ? MORE : []),
];

const MORE: readonly FieldProps[] = [
  { name: "name", label: "Name, if you like", autoComplete: "name", optional: true, maxLength: 200 },
  { name: "invite", label: "Invitation code", autoComplete: "off", isHidden: true, optional: true },
];

interface EnterProps {
  readonly way: Way;
  turn(way: Way): void;
  done(): void;
}

export function Enter({ way, turn, done }: EnterProps) {
  const { session } = useWorkspace();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.querySelector("input")?.focus(), [way]);
  const isNew = way === "register";
  const enter = async (given: object) => {
    await call("POST", `/v1/auth/${way}`, given);
    await session.entered();
    done();
  };
  return (
    <div ref={box}>
      <Fate isNew={isNew} />
      <Form key={way} fields={fieldsOf(way)} words={isNew ? "Create account" : "Sign in"} act={enter} />
      <button type="button" className="quiet accent turn" onClick={() => turn(isNew ? "login" : "register")}>
        {isNew ? "I have an account" : "Create an account"}
      </button>
    </div>
  );
}

/** Says what becomes of a guest's chats. */
function Fate({ isNew }: { readonly isNew: boolean }) {
  const { session, filing } = useWorkspace();
  const count = useStore(filing).chats.length;
  if (!useStore(session).person?.guest || count === 0) return null;
  const chats = count === 1 ? "chat" : "chats";
  const stays = `Your ${chats} ${count === 1 ? "stays" : "stay"} with you, and will be on every device you sign in on.`;
  const goes = `What you asked here as a guest does not come along. Create an account to keep the ${chats}.`;
  return <p className="soft">{isNew ? stays : goes}</p>;
}
