"""How a word stands in a message: `<sender> <JSON>`.

The sender comes first, so that a node can drop its own words without reading them. Scripts write the same form.
"""

from urllib.parse import quote, unquote

import msgspec

from app.backplane.news import Word

_decoder = msgspec.json.Decoder(Word)
_encoder = msgspec.json.Encoder()


def sender_of(node: str) -> bytes:
    """How a node signs what it says."""
    return quote(node, safe="").encode()


def encode(sender: bytes, word: Word) -> bytes:
    """Write a message."""
    return b"%b %b" % (sender, _encoder.encode(word))


def is_from(sender: bytes, message: bytes) -> bool:
    """Whether a message is this sender's."""
    return message.startswith(sender + b" ")


def decode(message: bytes) -> tuple[str, Word]:
    """Read a message: the node that sent it, and what it says.

    Raises:
        ValueError: it is none; nodes of another version may say what this one does not know.
    """
    sender, _, word = message.partition(b" ")
    return unquote(sender.decode()), _decoder.decode(word)
