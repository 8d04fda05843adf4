/** The words of what has just been done, at the top of the page. */

import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { Icon } from "./icon";

export function ToastList() {
  const { toasts } = useWorkspace();
  return (
    <div className="toasts" role="status" data-testid="toasts">
      {useStore(toasts).map(({ id, words, undo }) => (
        <div
          key={id}
          className="toast"
          onMouseEnter={() => toasts.hold(id)}
          onMouseLeave={() => toasts.release(id)}
          onFocus={() => toasts.hold(id)}
          onBlur={() => toasts.release(id)}
        >
          <span className="words">{words}</span>
          {undo && <button type="button" className="quiet accent" onClick={() => toasts.undo(id)}>Undo</button>}
          <button type="button" className="icon-button" aria-label="Close this note" onClick={() => toasts.close(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
