/** Where one writes. It never blocks: what is asked while an answer is written waits for its turn. */

import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import { contentOf, type Draft, hindrance } from "../chat/drafts";
import { chooseModel, modelOf, wishedModel } from "../chat/models";
import type { Thread } from "../chat/thread";
import type { ThreadView } from "../chat/view";
import { AttachButton, Attachments, pastedFiles, useFileDrop } from "../files/attachments";
import type { Place } from "../places";
import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { fit } from "./fit";
import { ModelPicker } from "./model-picker";
import { sends } from "./sends";
import { Slot } from "./slot";

/** Where the draft of a place is kept: a chat without a question yet has no address to keep it by. */
export const draftKeyOf = ({ isNew, chatId, projectId }: Place): string =>
  isNew ? (projectId ? `new.${projectId}` : "new") : chatId;

/** Ask what stands in a draft; the new chat gets its address. */
export function useSend(thread: Thread, place: Place, sent: () => void): (draft: Draft) => void {
  const { client, drafts, places } = useWorkspace();
  const key = draftKeyOf(place);
  return (draft) => {
    const model = wishedModel(client.dashboard.getSnapshot().models, key);
    if (place.isNew && model) chooseModel(place.chatId, model);
    thread.send(contentOf(draft), { model, projectId: place.projectId ?? undefined });
    if (drafts.get(key) === draft) drafts.forget(key); // an example is not what was typed
    places.keep();
    sent();
  };
}

/** What a server takes at once that has not said so yet. */
const FRAME_BYTES = 262_144;

interface ComposerProps {
  readonly thread: Thread;
  readonly place: Place;
  readonly view: ThreadView;
  readonly send: (draft: Draft) => void;
}

export function Composer({ thread, place, view, send }: ComposerProps) {
  const { drafts, limits, toasts, uploads } = useWorkspace();
  const key = draftKeyOf(place);
  const isOver = useFileDrop(key);
  const draft = useSyncExternalStore(drafts.subscribe, () => drafts.get(key));
  const [waits, wait] = useState(false);
  const words = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => fit(words.current), [draft.text, view.isBusy]); // the placeholder counts too
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) words.current?.focus();
  }, []);
  const hinders = hindrance(draft, useStore(limits).frameBytes ?? FRAME_BYTES);
  const submit = () => {
    wait(hinders === "uploading");
    uploads.explain(draft, hinders === "long");
    if (hinders === null) send(draft);
    else words.current?.focus();
  };
  useEffect(() => {
    if (waits && hinders === null) submit();
    if (waits && hinders !== "uploading") wait(false);
  });
  const press = (event: KeyboardEvent) => {
    if (!sends(event)) return;
    event.preventDefault();
    submit();
  };
  return (
    <form className={isOver ? "composer dropping" : "composer"} onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <Attachments draftKey={key} />
      <AttachButton draftKey={key} />
      <textarea
        ref={words}
        rows={1}
        data-testid="composer"
        aria-label="Your message"
        placeholder={view.isBusy ? "Ask ahead" : "Ask anything"}
        autoComplete="off"
        value={draft.text}
        onChange={(event) => drafts.change(key, { text: event.target.value })}
        onKeyDown={press}
        onPaste={(event) => {
          const files = pastedFiles(event.clipboardData);
          if (files.length === 0) return;
          event.preventDefault();
          void uploads.add(key, files);
        }}
      />
      <div className="bar">
        <ModelPicker draftKey={key} />
        <Slot
          isBusy={view.isBusy}
          isStopping={view.isStopping}
          hasDraft={hinders !== "empty"}
          stop={() => void thread.stop().catch((failure: Error) => toasts.show({ words: failure.message }))}
        />
      </div>
    </form>
  );
}

/** Says plainly when no real model answers. */
export function DemoNote({ draftKey }: { readonly draftKey: string }) {
  const { client } = useWorkspace();
  const { models } = useStore(client.dashboard);
  if (modelOf(models, draftKey)?.id !== "demo") return <p className="note" />;
  return (
    <p className="note" data-testid="note">
      The offline demo model answers. To talk to a real one, set <code>ANTHROPIC_API_KEY</code> and start the server again.
    </p>
  );
}
