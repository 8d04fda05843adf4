// @vitest-environment happy-dom
import { act, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { expect, it } from "vitest";
import { textOf } from "../../src/parts/message.js";
import { useChatStream, useConnection, useDashboard, useOutbox } from "../../src/react/index.js";
import type { Client } from "../../src/sdk/client.js";
import { House } from "../sdk/house.js";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

async function shown(node: ReactNode): Promise<() => string> {
  const element = document.createElement("main");
  await act(async () => createRoot(element).render(node));
  return () => element.textContent ?? "";
}

function Page({ client }: { client: Client }) {
  const { state } = useConnection(client);
  const { chats } = useDashboard(client);
  const outbox = useOutbox(client);
  const answer = useChatStream(client, "chat_9");
  const said = answer ? `${answer.status}: ${textOf(answer.message)}` : "nothing";
  return `${state} | ${chats.map(({ title }) => title).join()} | ${outbox.map((each) => each.state).join()} | ${said}`;
}

it("hooks show the connection, the dashboard, what is on its way, and an answer whoever asked for it", async () => {
  const house = new House();
  house.world.chat("chat_1", { title: "One" });
  const client = house.client();
  const other = await house.greeted();
  const text = await shown(<Page client={client} />);
  expect(text()).toBe("closed |  |  | nothing");
  await act(async () => {
    client.open();
    await house.settle();
  });
  expect(text()).toBe("ready | One |  | nothing");
  await act(async () => {
    void other.send("chat_9", "Why?");
    await house.settle();
    house.world.logs.get("str_1")?.say("So", "!");
    await house.settle();
  });
  expect(text()).toBe("ready | ,One |  | streaming: So!");
  await act(async () => {
    house.world.logs.get("str_1")?.finish();
    await house.settle();
    house.isOnline = false;
    house.cut();
    void client.send("chat_9", "And?").catch(() => {});
  });
  expect(text()).toBe("backoff | ,One | waiting | completed: So!");
});
