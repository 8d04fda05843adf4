"""Finds the files that a question names, and stores those that came inside it."""

from app.commands.content import Draft, GivenFile, NamedFile, Text
from app.commands.uploads import Uploads, in_words
from app.store import files
from app.store.files import StoredFile
from app.store.outbox import Change
from protocol.errors import Refusal
from protocol.files import file_url
from protocol.frames.objects import Question
from protocol.limits import Limits


class Attaching:
    """Turns drafts into questions.

    Args:
        uploads: stores what came inside a question, as if it had been uploaded before.
        limits: how much a question may bring.
    """

    def __init__(self, uploads: Uploads, limits: Limits) -> None:
        self._uploads = uploads
        self._limits = limits

    async def stored(self, user_id: str, draft: Draft) -> Draft:
        """Store the files inside a draft; before the change, because it takes a while.

        If the question is refused later, they go like every file that nobody names.
        """
        parts: list[Text | GivenFile | NamedFile] = []
        for part in draft.parts:
            if isinstance(part, GivenFile):
                file = await self._uploads.store(user_id, part.body, part.media_type, part.filename, param=part.param)
                parts.append(NamedFile(file.file_id, part.param))
            else:
                parts.append(part)
        return Draft(draft.message_id, parts)

    async def found(self, change: Change, draft: Draft) -> Question:
        """Return the question with its files as the store knows them, which stay from now on.

        Raises:
            Refusal: `not_found`, naming the file that is not there or not theirs; `frame_too_large`.
        """
        named = [part for part in draft.parts if isinstance(part, NamedFile)]
        there: dict[str, StoredFile] = {}
        if named:
            ids = list(dict.fromkeys(part.file_id for part in named))
            there = await files.keep(change.tx, change.user_id, ids, now=change.now)
        for part in named:
            if part.file_id not in there:
                raise Refusal("not_found", "There is no such file. Upload it once more.", param=part.param)
        self._check_sum(sum(file.size for file in there.values()))
        return Question(id=draft.message_id, role="user", parts=[_stored_part(part, there) for part in draft.parts])

    def _check_sum(self, size: int) -> None:
        most = self._limits.message_file_bytes
        if size > most:
            raise Refusal(
                "frame_too_large",
                f"The files of a message may have {in_words(most)} together, and these have {in_words(size)}.",
                param="$.message.parts",
            )


def _stored_part(part: Text | GivenFile | NamedFile, there: dict[str, StoredFile]) -> dict[str, object]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    assert isinstance(part, NamedFile), "a file inside a draft is stored before its question is looked at"  # noqa: S101
    file = there[part.file_id]
    return {
        "type": "file",
        "mediaType": file.media_type,
        "filename": file.filename,
        "url": file_url(file.file_id),
    }
