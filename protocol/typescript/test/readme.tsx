import { Chat, useChat } from "@ai-sdk/react";
import { Chats } from "@tidewire/client/ai";
import { createClient } from "@tidewire/client/browser";

const client = createClient(); // the page's own server; a visitor becomes a guest
const chats = new Chats(client, (id, transport) => new Chat({ id, transport }));
client.open();

export function Conversation({ chatId }: { chatId: string }) {
  const { messages, sendMessage, status } = useChat({ chat: chats.get(chatId) });
  return (
    <main>
      {messages.map(({ id, parts }) => <p key={id}>{parts.map((part) => part.type === "text" && part.text)}</p>)}
      <button onClick={() => sendMessage({ text: "What is Tidewire?" })}>Ask</button>
      {status === "streaming" && <button onClick={() => chats.transport.stopChat(chatId)}>Stop</button>}
    </main>
  );
}
