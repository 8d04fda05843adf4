"""What running answers wait for from people, and what they were told."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

from app.store.queries import Queries, from_text, to_text
from protocol.frames.objects import StreamStatus

Kind = Literal["approval", "output"]
Answer = Mapping[str, Any]
"""In the wire's names: `{approved, reason?}` to an approval; `{output}` or `{errorText}` of a tool."""


class Request(NamedTuple):
    """Names one request: of `approval` by its approvalId, of `output` by its toolCallId."""

    stream_id: str
    kind: Kind
    request_id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it stands: the stream that waits for it, the node that runs it, and the answer it has got."""

    chat_id: str
    node: str | None
    status: StreamStatus
    answer: Answer | None


async def ask(q: Queries, request: Request, *, now: int, given: Answer | None = None) -> None:
    """Write a request down; `given` is the answer of who answered before it was asked."""
    await q.execute(
        """
        INSERT INTO tool_requests (stream_id, kind, request_id, asked_at, answer)
        VALUES (:stream_id, :kind, :request_id, :now, :answer)
        """,
        request._asdict() | {"now": now, "answer": None if given is None else to_text(given)},
    )


async def find(q: Queries, user_id: str, request: Request) -> Asked | None:
    """Find a request of this user."""
    row = await q.fetch_one(
        """
        SELECT s.chat_id, s.node, s.status, r.answer FROM tool_requests r JOIN streams s ON s.stream_id = r.stream_id
        WHERE r.stream_id = :stream_id AND r.kind = :kind AND r.request_id = :request_id AND s.user_id = :user_id
        """,
        request._asdict() | {"user_id": user_id},
    )
    if row is None:
        return None
    return Asked(row["chat_id"], row["node"], cast("StreamStatus", row["status"]), from_text(row["answer"]))


async def answer(q: Queries, request: Request, given: Answer) -> None:
    """Write down what was answered; the caller has seen, under the user's lock, that nothing was before."""
    await q.execute(
        """
        UPDATE tool_requests SET answer = :answer
        WHERE stream_id = :stream_id AND kind = :kind AND request_id = :request_id
        """,
        request._asdict() | {"answer": to_text(given)},
    )


async def answered(q: Queries, stream_ids: Collection[str]) -> dict[Request, Answer]:
    """Read every answer that these streams have got."""
    rows = await q.fetch_all(
        """
        SELECT stream_id, kind, request_id, answer FROM tool_requests
        WHERE stream_id IN :stream_ids AND answer IS NOT NULL
        """,
        {"stream_ids": list(stream_ids)},
    )
    return {
        Request(row["stream_id"], cast("Kind", row["kind"]), row["request_id"]): from_text(row["answer"])
        for row in rows
    }
