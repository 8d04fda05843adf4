/** Which chats a tab keeps, and which it reads again. */

import { expect, it } from "vitest";
import { Threads } from "../../src/chat/threads";
import { CHAT, House, OTHER, settled } from "./world";

/** Let everything that is under way arrive. */
async function arrive(house: House): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    const [step] = house.steps;
    step?.();
    quiet = step ? 0 : quiet + 1;
    await settled();
  }
}

const asked = (id: string) => ({ type: "message.send", id, message: { id: `q_${id}`, role: "user", parts: [] } }) as never;

it("chats that nobody looked at for long are forgotten, but not what is only here", async () => {
  const house = new House();
  const threads = new Threads(house.client);
  const [first, writing] = [threads.open("first"), threads.open("writing")];
  writing.send([{ type: "text", text: "Refused: the server knows one chat alone" }]);
  await arrive(house);
  for (let number = 0; number < 30; number += 1) {
    threads.open(`chat_${number}`);
    await arrive(house);
  }
  expect(threads.get("first")).not.toBe(first);
  expect(threads.get("writing")).toBe(writing);
  expect(writing.view.messages).toMatchObject([{ status: "refused" }]);
});

it("after missed events the chat that is shown is read again, every other one once it is shown", async () => {
  const house = new House();
  house.world.do(asked("1"), OTHER);
  const threads = new Threads(house.client);
  threads.open(CHAT);
  await arrive(house);
  expect(threads.get(CHAT).view.messages).toHaveLength(2);

  threads.missed("another");
  expect(threads.get(CHAT).view.state).toBe("loaded");
  threads.open(CHAT);
  expect(threads.get(CHAT).view.state).toBe("loading");
  await arrive(house);
  threads.missed(CHAT);
  expect(threads.get(CHAT).view.state).toBe("loading");
  await arrive(house);
  expect(threads.get(CHAT).view.state).toBe("loaded");
});
