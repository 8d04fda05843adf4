"""The tool `ask_person`: the model asks back, and goes on with what the person chooses. It runs in the client."""

from typing import Annotated

from msgspec import Meta

from app.tools.interface import Arguments, Tool


class PersonalQuestion(Arguments, frozen=True, kw_only=True):
    """What `ask_person` takes."""

    question: Annotated[str, Meta(min_length=1, max_length=500, description="The question, in the person's language.")]
    choices: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=100)]],
        Meta(min_length=2, max_length=6, description="The answers to choose from, a few words each."),
    ]


ASK_PERSON = Tool(
    name="ask_person",
    description=(
        "Asks the person a question with a few answers to choose from, and waits for their choice. Use it when you "
        "cannot go on without a decision of theirs; ask one thing at a time, and nothing you can find out yourself. "
        'The output is {"choice": "…"}.'
    ),
    arguments=PersonalQuestion,
    run=None,
)
