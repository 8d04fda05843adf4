/** The parts of a message: its text, its thoughts, its tools and its files. */

import type { Answer, Message } from "@tidewire/client";

export function Parts({ message }: { readonly message: Message; readonly answer: Answer | null }) {
  return <>{message.parts.map((part, at) => (part.type === "text" ? <div key={at} className="prose">{part.text}</div> : null))}</>;
}
