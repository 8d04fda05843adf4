import { useChat } from "@ai-sdk/react";
import { WebSocketChatTransport } from "ai";

async function signIn() {
  const json = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
  const { status } = await fetch("/v1/auth/session?optional=true");
  if (status !== 200) await fetch("/v1/auth/guest", json); // a visitor becomes a guest
  return {};
}
const transport = new WebSocketChatTransport({ url: "/v1/ai-sdk", params: signIn });

export function Conversation({ chatId }: { chatId: string }) {
  const { messages, sendMessage, status, stop } = useChat({ id: chatId, transport, resume: true });
  return (
    <main>
      {messages.map(({ id, parts }) => <p key={id}>{parts.map((part) => part.type === "text" && part.text)}</p>)}
      <button onClick={() => sendMessage({ text: "What is Tidewire?" })}>Ask</button>
      {status === "streaming" && <button onClick={stop}>Stop</button>}
    </main>
  );
}
