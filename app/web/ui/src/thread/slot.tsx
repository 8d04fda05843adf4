/** Send and Stop in one place; while an answer is written and something is typed, both. */

import { Icon } from "../shell/icon";

interface SlotProps {
  readonly isBusy: boolean;
  readonly isStopping: boolean;
  readonly hasDraft: boolean;
  stop(): void;
}

export function Slot({ isBusy, isStopping, hasDraft, stop }: SlotProps) {
  return (
    <>
      {isBusy && hasDraft && (
        <button type="submit" className="round ahead" aria-label="Ask ahead" title="Ask ahead" data-testid="ask-ahead"><Icon name="send" /></button>
      )}
      {/* One element for both, so that it keeps the focus. */}
      <button
        type={isBusy ? "button" : "submit"}
        className={isBusy ? "round stops" : "round"}
        aria-label={isBusy ? (isStopping ? "Stopping" : "Stop") : "Send"}
        aria-disabled={isBusy ? isStopping : !hasDraft}
        data-testid={isBusy ? "stop" : "send"}
        onClick={(event) => {
          if (isBusy && event.detail < 2) stop(); // a second click is still one of sending
        }}
      >
        <Icon name={isBusy ? "stop" : "send"} />
      </button>
    </>
  );
}
