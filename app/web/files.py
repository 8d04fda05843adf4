"""`/v1/files`: takes in what people attach, and gives it back to them alone."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote, unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.clock import Clock
from app.commands.file_type import filename_of, is_image, is_text, media_type_of
from app.commands.uploads import Uploads
from app.store import files
from app.store.files import StoredFile
from app.store.queries import Queries
from app.web.body import read_body
from app.web.gate import Gate
from app.web.json import json_response
from protocol.errors import Refusal
from protocol.files import PREFIX, file_url
from protocol.ids import is_id

# Five megabytes over a phone's bad connection.
UPLOAD_SECONDS = 120
# Each is whole in memory until it is stored: 160 MB at most, and nobody takes all of the places.
MOST_AT_ONCE, MOST_OF_ONE_USER = 32, 4

# Whatever somebody managed to upload: nothing of it runs, nothing frames it, no other site embeds it, and a browser
# that is shared does not give it to the next user.
HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    # An id never means other bytes.
    "cache-control": "private, max-age=31536000, immutable",
    "vary": "cookie, authorization",
}


class Files:
    """The routes of files.

    Args:
        gate: knows who asks.
        uploads: stores files.
        database: where they are read.
        clock: says which are over.
    """

    def __init__(self, gate: Gate, uploads: Uploads, database: Queries, clock: Clock) -> None:
        self._gate = gate
        self._uploads = uploads
        self._database = database
        self._clock = clock
        self._receiving: Counter[str] = Counter()

    def routes(self) -> Sequence[Route]:
        """The routes served here."""
        return (
            Route(PREFIX.rstrip("/"), self.upload, methods=["POST"]),
            Route(PREFIX + "{file_id}", self.download, methods=["GET"]),
        )

    async def upload(self, request: Request) -> Response:
        """Store the body; the same bytes again are the same file."""
        self._gate.check_origin(request)
        user_id = (await self._gate.session(request)).user_id
        with self._place(user_id):
            body = await read_body(request, too_large=self._uploads.too_large, seconds=UPLOAD_SECONDS)
            if not body:
                raise Refusal("invalid_argument", "The file is empty.")
            media_type = media_type_of(body, request.headers.get("content-type", ""), param="content-type")
            filename = filename_of(_filename(request), media_type)
            file = await self._uploads.store(user_id, body, media_type, filename, param=None)
        return json_response(
            {
                "fileId": file.file_id,
                "url": file_url(file.file_id),
                "mediaType": file.media_type,
                "filename": file.filename,
                "size": file.size,
            }
        )

    async def download(self, request: Request) -> Response:
        """Give a file to its owner; to everybody else it does not exist."""
        user_id = (await self._gate.session(request)).user_id
        file_id = request.path_params["file_id"]
        file = await files.find(self._database, user_id, file_id, now=self._clock.now_ms()) if is_id(file_id) else None
        if file is None:
            raise Refusal("not_found")
        return StreamingResponse(files.pieces(self._database, user_id, file), headers=HEADERS | _described(file))

    @contextmanager
    def _place(self, user_id: str) -> Iterator[None]:
        """Keep one of the places for uploads that are under way."""
        if self._receiving[user_id] >= MOST_OF_ONE_USER:
            sentence = f"You can upload {MOST_OF_ONE_USER} files at a time. Wait for one of them."
            raise Refusal("too_many_in_flight", sentence, retry_after_ms=1_000)
        if self._receiving.total() >= MOST_AT_ONCE:
            raise Refusal("overloaded", "Too many files are being uploaded. Try again.", retry_after_ms=1_000)
        self._receiving[user_id] += 1
        try:
            yield
        finally:
            self._receiving[user_id] -= 1
            self._receiving += Counter()  # forgets who has none


def _filename(request: Request) -> str:
    """What the file is called by whoever sends it: UTF-8, percent-encoded where their HTTP library wants that."""
    raw = next((value for name, value in request.scope["headers"] if name == b"x-filename"), b"")
    return unquote_to_bytes(raw).decode(errors="replace")


def _described(file: StoredFile) -> dict[str, str]:
    disposition = "inline" if is_image(file.media_type) else "attachment"
    return {
        # Text of every kind is plain: a page that was uploaded is not one of ours.
        "content-type": "text/plain; charset=utf-8" if is_text(file.media_type) else file.media_type,
        "content-length": str(file.size),
        "content-disposition": f"{disposition}; filename*=UTF-8''{quote(file.filename, safe='')}",
    }
