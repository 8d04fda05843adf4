"""One socket of a client, as far as its rules go: how far it has come, and when to give it up."""

from dataclasses import dataclass, field

from protocol.codes import ERRORS
from protocol.frames.objects import ErrorObject

SILENCE = 35.0  # guarantee 29
PROBE = 5.0
# A network that swallows packets answers neither a connect nor a hello; ten seconds is twice the server's own patience.
CONNECT = 10.0

NO_CODE = 1005
ABNORMAL = 1006


@dataclass(slots=True)
class Link:
    """One socket.

    Args:
        since: when it entered its state.
        heard: when anything last came over it.
        asked: the stream positions of its `hello`.
        silence: seconds without a frame after which it is dead; the server's `welcome` may say another number.
        probe: id of our `ping` that is still unanswered, and when we give up on it.
        fatal: the error that announced its close.
    """

    number: int
    since: float
    heard: float
    state: str = "connecting"
    hello_id: str = ""
    asked: dict[str, int] = field(default_factory=dict)
    silence: float = SILENCE
    probe: str | None = None
    probe_until: float = 0.0
    fatal: ErrorObject | None = None

    @property
    def deadline(self) -> float:
        """When to give it up if nothing more comes."""
        if self.state != "ready":
            return self.since + CONNECT
        silent_until = self.heard + self.silence
        return min(silent_until, self.probe_until) if self.probe else silent_until

    def meant(self, code: int) -> int:
        """The close code the server meant: a proxy may swallow it, but the error before it names it too."""
        row = ERRORS.get(self.fatal.code) if self.fatal is not None else None
        return row.close if code in (NO_CODE, ABNORMAL) and row is not None and row.close is not None else code

    @property
    def stay_away(self) -> float:
        """Seconds for which the server asked us to stay away."""
        return 0.0 if self.fatal is None or self.fatal.retry_after_ms is None else self.fatal.retry_after_ms / 1000
