import { describe, expect, it } from "vitest";
import { byteLength, decode, encode } from "../src/codec.js";
import type { ClientFrame } from "../src/frames.js";
import { BrokenFrame } from "../src/reading.js";
import { FRAMES } from "./vectors.js";

const from = (side: "client" | "server") => FRAMES.filter((vector) => vector.from === side);

describe("frames of a server", () => {
  it.each(from("server").filter((vector) => vector.frame))("$name", ({ text, frame }) => {
    expect(decode(text)).toEqual(frame);
    expect(decode(JSON.stringify(frame))).toEqual(frame);
  });

  it.each(from("server").filter((vector) => vector.error))("$name: the socket is given up", ({ text }) => {
    expect(() => decode(text)).toThrow(BrokenFrame);
  });

  it.each(from("server").filter((vector) => vector.error === null))("g06 $name", ({ text }) => {
    expect(decode(text)).toBeNull();
  });

  it("gives a fresh object, so that no later frame changes one that was read", () => {
    expect(() => decode('{"type":"ack","id":7,"result":{}}')).toThrow("expected a string");
    expect(() => decode('{"type":"constructor"}')).not.toThrow();
    expect(decode('{"type":"constructor"}')).toBeNull();
  });
});

describe("frames of a client", () => {
  it.each(from("client").filter((vector) => vector.frame))("$name", ({ frame }) => {
    const written = encode(frame as ClientFrame);
    expect(JSON.parse(written)).toEqual(frame);
    expect(written.startsWith('{"type":')).toBe(true);
  });
});

it("counts the bytes of a text as they go over the wire", () => {
  for (const text of ["", "plain", "Grüße", "漢字", "😀 and ‽"]) {
    expect(byteLength(text)).toBe(new TextEncoder().encode(text).length);
  }
});
