"""What people type to have an account: an email, a password and a name, checked and in one spelling. Pure."""

import re
import unicodedata

from protocol.errors import Refusal
from protocol.parts.clean import clean_text

LEAST_PASSWORD = 8
MOST_PASSWORD = 512
MOST_EMAIL = 254  # RFC 5321, 4.5.3.1.3: a path has 256 octets, two of them brackets
MOST_NAME = 200

# Only what an address must have. Whether one exists is known to its mail server alone.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def email_of(text: str) -> str:
    """Return an email as it is compared: trimmed and in lower case.

    Raises:
        Refusal: `invalid_argument`, when it is none.
    """
    email = unicodedata.normalize("NFC", text.strip()).lower()
    if len(email) > MOST_EMAIL or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise Refusal("invalid_argument", "That is no email address, such as me@example.org.", param="$.email")
    return email


def password_of(text: str) -> str:
    """Return a password as it is hashed: composed as one character on every keyboard (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", text)


def new_password_of(text: str, *, param: str) -> str:
    """Return a password that somebody chose, as it is hashed.

    Its length is all that counts: rules about digits and signs make people write passwords down.

    Args:
        param: the field it came in.

    Raises:
        Refusal: `invalid_argument`, when it is too short, too long or blank.
    """
    password = password_of(text)
    if len(password) < LEAST_PASSWORD:
        raise Refusal("invalid_argument", f"A password has at least {LEAST_PASSWORD} characters.", param=param)
    if len(password) > MOST_PASSWORD:
        raise Refusal("invalid_argument", f"A password has at most {MOST_PASSWORD} characters.", param=param)
    if not password.strip():
        raise Refusal("invalid_argument", "A password of blanks alone is too easy to guess.", param=param)
    return password


def name_of(text: str | None) -> str | None:
    """Return a name as it is shown, on one line; None when there is nothing in it to read.

    Raises:
        Refusal: `invalid_argument`, when it is too long.
    """
    name = " ".join(clean_text(text or "").split())
    if len(name) > MOST_NAME:
        raise Refusal("invalid_argument", f"A name has at most {MOST_NAME} characters.", param="$.name")
    return name or None
