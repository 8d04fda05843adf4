/** A call of a tool, folded; and what a person has to decide about it, from whatever tab. */

import type { Answer } from "@tidewire/client";
import { useState } from "react";
import { useWorkspace } from "../workspace";
import { type CallPart, choiceOf, details, stateWords, told } from "./calls";
import { waitsForPerson } from "./waiting";

export type { CallPart };

/** @param answer the answer while it is written; null once nothing can be decided any more. */
export function Call({ part, answer }: { readonly part: CallPart; readonly answer: Answer | null }) {
  const { title, gist } = told(part);
  const state = stateWords(part, answer !== null);
  return (
    <div className="call" data-testid="call" data-state={part.state}>
      <details>
        <summary>
          <b>{title}</b>
          {gist && <span className="gist">{gist}</span>}
          {state && <span className={part.state === "output-error" ? "bad" : "state"}>{state}</span>}
        </summary>
        <div className="call-body">
          {details(part).map(([label, text]) => (
            <div key={label}>
              <h3>{label}</h3>
              <pre tabIndex={0}><code>{text}</code></pre>
            </div>
          ))}
        </div>
      </details>
      {answer && waitsForPerson(part) && <Choice part={part} streamId={answer.streamId} />}
    </div>
  );
}

function Choice({ part, streamId }: { readonly part: CallPart; readonly streamId: string }) {
  const { client } = useWorkspace();
  const [isBusy, busy] = useState(false);
  const [problem, say] = useState("");
  /** What comes of it comes with the answer. */
  const decide = async (decision: Promise<void>) => {
    busy(true);
    say("");
    try {
      await decision;
    } catch (failure) {
      say((failure as Error).message);
      busy(false);
    }
  };
  const deliver = (choice: string) => void decide(client.toolOutput(streamId, part.toolCallId, { output: { choice } }));
  const approve = (approved: boolean, reason?: string) =>
    void decide(client.approve(streamId, part.approval?.id ?? "", approved, reason));
  return (
    <div className="choice">
      {part.state === "input-available" ? (
        <Offered part={part} isBusy={isBusy} deliver={deliver} />
      ) : (
        <Approval isBusy={isBusy} approve={approve} />
      )}
      <p className="bad" role="alert">{problem}</p>
    </div>
  );
}

interface OfferedProps {
  readonly part: CallPart;
  readonly isBusy: boolean;
  deliver(choice: string): void;
}

function Offered({ part, isBusy, deliver }: OfferedProps) {
  const { question, choices } = choiceOf(part);
  return (
    <>
      <p>{question}</p>
      <div className="buttons">
        {choices.map((choice, at) => (
          <button key={at} type="button" className="decide" disabled={isBusy} onClick={() => deliver(choice)}>{choice}</button>
        ))}
      </div>
    </>
  );
}

interface ApprovalProps {
  readonly isBusy: boolean;
  approve(approved: boolean, reason?: string): void;
}

function Approval({ isBusy, approve }: ApprovalProps) {
  const [reason, explain] = useState<string | null>(null);
  return (
    <>
      <p>May the model do this?</p>
      <div className="buttons">
        <button type="button" className="decide accent" disabled={isBusy} onClick={() => approve(true)}>Approve</button>
        <button type="button" className="decide" disabled={isBusy} onClick={() => approve(false, reason?.trim() || undefined)}>Deny</button>
        {reason === null ? (
          <button type="button" className="quiet" disabled={isBusy} onClick={() => explain("")}>Say why not…</button>
        ) : (
          <input
            className="reason"
            aria-label="Why not"
            placeholder="Tell the model why not"
            maxLength={500}
            autoFocus
            value={reason}
            onChange={(event) => explain(event.target.value)}
          />
        )}
      </div>
    </>
  );
}
