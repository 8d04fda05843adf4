"""What the rules raise: a refusal of one command, or a violation that ends the connection."""

from typing import Any

from protocol.codes import ERRORS
from protocol.frames.objects import ErrorObject


class Refusal(Exception):  # noqa: N818 - the word of the protocol: a command is refused, nothing broke
    """A command is refused with a code of the error table; the connection lives on.

    Args:
        code: a name in `codes.ERRORS`.
        message: a sentence a person can act on; the table's own when left out.
        param: the path of the field at fault, as `$.message.parts[0]`.
        retry_after_ms: when to try again, in milliseconds.
        details: machine-readable facts, such as the `streamId` that is active.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        param: str | None = None,
        retry_after_ms: int | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        row = ERRORS[code]
        super().__init__(message or row.message)
        self.code = code
        self.error = ErrorObject(
            code=code,
            message=message or row.message,
            retryable=row.retryable,
            retry_after_ms=retry_after_ms,
            param=param,
            details=details,
        )


class Violation(Refusal):
    """The peer broke a rule that ends the connection: the error is fatal and the row's close code follows."""

    @property
    def close_code(self) -> int:
        """The close code that follows; every violation's row has one."""
        close = ERRORS[self.code].close
        if close is None:
            raise ValueError(f"{self.code} is not fatal, so it cannot be a violation.")
        return close
