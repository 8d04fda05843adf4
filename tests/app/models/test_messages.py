from app.models.messages import questions, text_of
from tests.app.models.recording import message


def test_the_text_of_a_message_is_its_text_parts() -> None:
    mixed = {"role": "user", "parts": [{"type": "text", "text": "a"}, {"type": "file"}, {"type": "text", "text": " "}]}
    assert text_of(mixed) == "a"
    assert text_of(message("user", "a", "b")) == "a\n\nb"
    assert text_of({"role": "user"}) == ""


def test_questions_are_what_the_person_said() -> None:
    assert questions([message("user", "a"), message("assistant", "b"), message("user", "c")]) == ["a", "c"]
