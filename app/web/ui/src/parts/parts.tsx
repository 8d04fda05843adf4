/** The parts of a message: its text, its thoughts, its tools and its files. */

import { type Answer, type FilePart, type Message, type Part, type Store, textOf } from "@tidewire/client";
import { memo } from "react";
import { FileView } from "../files/file-view";
import { Markdown } from "../markdown/markdown";
import { Call, type CallPart } from "./call";
import type { Growth } from "./growth";
import { Sources } from "./sources";
import { Thoughts } from "./thoughts";

interface PartsProps {
  readonly message: Message;
  /** The answer while it is written. */
  readonly answer: Answer | null;
  readonly growth: Growth | null;
}

export const Parts = ({ message, ...growing }: PartsProps) =>
  message.role === "user" ? <Question message={message} /> : <AnswerParts message={message} {...growing} />;

function Question({ message }: { readonly message: Message }) {
  const files = message.parts.filter(isFile);
  const text = textOf(message);
  return (
    <>
      {files.length > 0 && (
        <div className={text ? "files above" : "files"}>
          {files.map((file, at) => <FileView key={at} file={file} />)}
        </div>
      )}
      {text}
    </>
  );
}

function AnswerParts({ message, answer, growth }: PartsProps) {
  const isLive = answer !== null && !answer.isOver;
  const { thinkingMs = [] } = (message.metadata ?? {}) as { readonly thinkingMs?: readonly number[] };
  let thought = -1;
  const parts = message.parts.map((part, at) => {
    if (part.type === "reasoning") thought += 1;
    const words = isLive ? (growth?.words(at) ?? null) : null;
    return <PartView key={at} part={part} isLive={isLive} words={words} answer={answer} took={thinkingMs[thought]} />;
  });
  return (
    <>
      {parts}
      {!isLive && <Sources parts={message.parts} />}
    </>
  );
}

interface PartProps {
  readonly part: Part;
  readonly isLive: boolean;
  /** Its words as they grow; null when they will not. */
  readonly words: Store<string> | null;
  readonly answer: Answer | null;
  /** How long the server says a thought took, in milliseconds. */
  readonly took: number | undefined;
}

/** Parts that did not change are the same objects, and are not drawn again. */
const PartView = memo(function PartView({ part, isLive, words, answer, took }: PartProps) {
  if (part.type === "text") return <Markdown text={part.text} isLive={isLive && part.state !== "done"} words={words} />;
  if (part.type === "reasoning") return <Thoughts part={part} isLive={isLive} words={words} took={took} />;
  if (isFile(part)) return <div className="files"><FileView file={part} /></div>;
  if (isCall(part)) return <Call part={part} answer={isLive ? answer : null} />;
  return null;
});

const isFile = (part: Part): part is FilePart => part.type === "file";

const isCall = (part: Part): part is CallPart => part.type === "dynamic-tool" || part.type.startsWith("tool-");
