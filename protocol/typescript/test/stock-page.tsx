/** A page of `useChat` and the vendor's own transport, mounted twice as React does in development; tests drive it. */
import { useChat } from "@ai-sdk/react";
import { WebSocketChatTransport, type UIMessage } from "ai";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

const transport = new WebSocketChatTransport({ url: "/v1/ai-sdk" });

/** What the server has stored of a chat: the page's own account, as a backend would hand it out with the page. */
async function storedOf(chatId: string): Promise<UIMessage[]> {
  const socket = new WebSocket(new URL("/v1/socket", location.href), "tidewire.v1");
  const answer = await new Promise<{ result?: { messages: UIMessage[] } }>((resolve, reject) => {
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", id: "h", clientId: "page", snapshot: "never" }));
    socket.onerror = () => reject(new Error("the history cannot be read"));
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === "welcome") socket.send(JSON.stringify({ type: "chat.get", id: "g", chatId }));
      if (frame.id === "g") resolve(frame);
    };
  });
  socket.close();
  return answer.result?.messages ?? [];
}

function Page({ chatId, messages }: { chatId: string; messages: UIMessage[] }) {
  const chat = useChat({ id: chatId, messages, transport, resume: true });
  Object.assign(window, { chat });
  return (
    <main data-status={chat.status}>
      {chat.messages.map(({ id, role, parts }) => (
        <p key={id} id={id} data-role={role}>
          {parts.map((part, at) => {
            if (part.type === "text") return <span key={at}>{part.text}</span>;
            return part.type.startsWith("tool-") ? <code key={at}>{`${part.type} ${JSON.stringify(part)}`}</code> : null;
          })}
        </p>
      ))}
      <output>{chat.error?.message}</output>
    </main>
  );
}

async function show(chatId: string): Promise<void> {
  const messages = await storedOf(chatId);
  createRoot(document.body).render(
    <StrictMode>
      <Page chatId={chatId} messages={messages} />
    </StrictMode>,
  );
}

Object.assign(window, { show, storedOf });
