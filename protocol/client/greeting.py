"""What a client says first: who it is, and how far it has come in everything it follows."""

from collections.abc import Callable
from dataclasses import dataclass, field

from protocol.client.session import Session
from protocol.codec import encode
from protocol.frames.client import ClientInfo, Flow, Hello
from protocol.frames.objects import StreamPosition
from protocol.limits import Limits

_DEFAULTS = Limits()


@dataclass(slots=True)
class Greeting:
    """The lasting half of a `hello`; the token may be replaced by a fresher one.

    Args:
        mint: a fresh command id each time it is called.
        dashboard: whether to ask for a snapshot when events were missed.
    """

    client_id: str
    mint: Callable[[], str]
    token: str | None = field(repr=False)
    info: ClientInfo | None
    capabilities: list[str]
    flow: Flow | None
    dashboard: bool

    def hello(self, session: Session, limits: dict[str, int]) -> Hello:
        """Build the frame; what does not fit into it is subscribed to after the welcome.

        Args:
            limits: `welcome.limits` of an earlier socket, empty before the first.
        """
        most = limits.get("streamsPerConnection", _DEFAULTS.streams_per_connection)
        hello = self._with(session, session.streams.positions(most))
        while hello.streams and len(encode(hello)) > limits.get("helloBytes", _DEFAULTS.hello_bytes):
            hello = self._with(session, hello.streams[: len(hello.streams) // 2])
        return hello

    def _with(self, session: Session, streams: list[StreamPosition]) -> Hello:
        return Hello(
            id=self.mint(),
            client_id=self.client_id,
            token=self.token,
            client=self.info,
            capabilities=self.capabilities,
            events=session.events.position,
            streams=streams,
            snapshot="ifNeeded" if self.dashboard else "never",
            flow=self.flow,
        )
