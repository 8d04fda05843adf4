import { expect, it } from "vitest";
import { TRANSCRIPTS } from "../vectors.js";
import { Replay } from "./replay.js";

it.each(TRANSCRIPTS)("$name", (transcript) => {
  new Replay(transcript).run(transcript.steps);
});

it("a transcript that leaves out a frame of the client fails", () => {
  const transcript = TRANSCRIPTS.find(({ name }) => name === "stop in the middle");
  if (!transcript) throw new Error("the transcript is gone");
  const sends = transcript.steps.flatMap((step, at) => ("send" in step ? [at] : []));
  for (const at of sends) {
    expect(() => new Replay(transcript).run(transcript.steps.filter((_, n) => n !== at))).toThrow();
  }
});
