/** The files beside the words that are being written: picked, pasted or dropped, each with its size and a way to remove it. */

import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { DraftFile } from "../chat/drafts";
import { Icon } from "../shell/icon";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { PICTURES, sizeOf } from "./kinds";

/** @param draftKey of the draft that they belong to. */
export function Attachments({ draftKey }: { readonly draftKey: string }) {
  const { drafts, uploads } = useWorkspace();
  const { files } = useSyncExternalStore(drafts.subscribe, () => drafts.get(draftKey));
  const problem = useStore(uploads.problem);
  return (
    <>
      {files.length > 0 && (
        <ul className="attachments" aria-label="Attached files">
          {files.map((file) => <Attachment key={file.key} file={file} remove={() => uploads.remove(draftKey, file.key)} />)}
        </ul>
      )}
      <p className="attach-problem" role="status" data-testid="attach-problem" hidden={!problem}>{problem}</p>
    </>
  );
}

function Attachment({ file, remove }: { readonly file: DraftFile; remove(): void }) {
  const { url, problem, filename, size, mediaType } = file;
  return (
    <li className={problem ? "attachment bad" : "attachment"} data-testid="attachment">
      {url && PICTURES.includes(mediaType) && <img src={url} alt="" />}
      <span className="name" title={filename}>{filename}</span>
      <span className={problem ? "bad" : "soft"}>{problem ?? (url ? sizeOf(size) : "Uploading…")}</span>
      <button type="button" className="quiet" aria-label={`Remove ${filename}`} onClick={remove}><Icon name="close" /></button>
    </li>
  );
}

/** The button that picks files. */
export function AttachButton({ draftKey }: { readonly draftKey: string }) {
  const { uploads } = useWorkspace();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" className="icon-button attach" aria-label="Attach files" title="Attach files" onClick={() => input.current?.click()}>
        <Icon name="clip" />
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        data-testid="file"
        onChange={({ target }) => {
          void uploads.add(draftKey, [...(target.files ?? [])]);
          target.value = ""; // so that the same file can be chosen again
        }}
      />
    </>
  );
}

/** The files of a paste. Office pastes a picture of its text: then the text is meant. */
export function pastedFiles({ files, types }: DataTransfer): readonly File[] {
  return types.includes("text/html") && types.includes("text/plain") ? [] : [...files];
}

/** Take files that are dropped anywhere; returns whether some hang over the page. */
export function useFileDrop(draftKey: string): boolean {
  const { uploads } = useWorkspace();
  const [isOver, over] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;
    const drag = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      over(true);
    };
    const leave = (event: DragEvent) => event.relatedTarget ?? over(false);
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      over(false);
      void uploads.add(draftKey, [...(event.dataTransfer?.files ?? [])]);
    };
    addEventListener("dragover", drag);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", drag);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, [draftKey, uploads]);
  return isOver;
}
