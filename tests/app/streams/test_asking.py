"""In virtual time: calls that people allow or deny, and those that their client carries out."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from app.models.interface import WAITING_FOR_PEOPLE
from app.store.errors import StoreUnavailable
from protocol.parts.calls import NOT_ANSWERED, NOT_DECIDED
from tests.app.streams.calls import Staged, asked, broken, calling, outcomes, slow, tool
from tests.app.streams.stage import GENERATION


async def test_a_call_that_people_allow_is_carried_out(staged: Staged) -> None:
    stage = staged(tool(needs_approval=True))
    running = asyncio.create_task(stage.run(calling(("echo", "hi"))))
    [approval_id] = await asked(stage)
    assert stage.stream.label is not None
    assert WAITING_FOR_PEOPLE.encode() in stage.stream.label
    await asyncio.sleep(50)
    assert stage.kinds[-1] == "tool-approval-request"
    stage.people.answers[approval_id].set_result({"approved": True})
    assert (await running).status == "completed"
    assert stage.kinds[5:8] == ["tool-approval-request", "tool-approval-response", "tool-output-available"]
    assert outcomes(stage) == [("output-available", {"said": "hi"})]


async def test_a_call_that_people_deny_is_not_carried_out_and_the_model_knows_why(staged: Staged) -> None:
    stage = staged(tool(needs_approval=True, run=broken))
    running = asyncio.create_task(stage.run(calling(("echo", "hi"))))
    [approval_id] = await asked(stage)
    stage.people.answers[approval_id].set_result({"approved": False, "reason": "Private."})
    assert (await running).status == "completed"
    told = stage.model.prompts[1].messages[-1]["parts"][-1]
    assert (told["state"], told["approval"]) == (
        "output-denied", {"id": approval_id, "approved": False, "reason": "Private."},
    )  # fmt: skip
    assert stage.calling.outcomes == {("echo", "denied"): 1}


async def test_wrong_arguments_are_not_put_before_people(staged: Staged) -> None:
    stage = staged(tool(needs_approval=True), tool("client", run=None))
    await stage.run(calling(("echo", 5), ("client", 5)))
    assert [state for state, _ in outcomes(stage)] == ["output-error", "output-error"]
    assert not stage.people.asked


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"output": {"choice": "a"}}, ("output-available", {"choice": "a"})),
        ({"errorText": "The page was closed."}, ("output-error", "The page was closed.")),
    ],
)
async def test_a_tool_of_the_client_ends_with_what_it_delivers(
    staged: Staged, answer: dict[str, Any], outcome: tuple[str, Any]
) -> None:
    stage = staged(tool(run=None))
    running = asyncio.create_task(stage.run(calling(("echo", "hi"))))
    assert await asked(stage) == ["call_0"]
    assert stage.people.asked[0].kind == "output"
    stage.people.answers["call_0"].set_result(answer)
    assert (await running).status == "completed"
    assert outcomes(stage) == [outcome]


async def test_nobody_is_asked_who_cannot_answer(staged: Staged) -> None:
    stage = staged(tool(), tool("asks", needs_approval=True), tool("client", run=None))
    alone = replace(GENERATION, interactive=False)
    assert [offer.name for offer in stage.calling.offers(GENERATION)] == ["echo", "asks", "client"]
    assert [offer.name for offer in stage.calling.offers(alone)] == ["echo"]
    stage.runner.generation = alone
    await stage.run(calling(("asks", "x"), ("client", "x"), ("echo", "x")))
    assert [state for state, _ in outcomes(stage)] == ["output-error", "output-error", "output-available"]
    assert not stage.people.asked


async def test_an_answer_fails_when_its_request_cannot_be_written_down(staged: Staged) -> None:
    stage = staged(tool(needs_approval=True), tool("slow", slow))

    async def away(*_: Any) -> Any:
        raise StoreUnavailable("away")

    stage.people.ask = away  # type: ignore[method-assign, assignment]
    ending = await stage.run(calling(("echo", "x"), ("slow", "1000")))
    assert ending.error is not None
    assert (ending.status, ending.error.code) == ("failed", "unavailable")
    assert outcomes(stage) == [("output-error", NOT_ANSWERED)] * 2


# Stopping


async def test_g16_a_stop_while_people_are_asked_denies_the_call(staged: Staged) -> None:
    stage = staged(tool(needs_approval=True), tool("client", run=None))
    stage.halt_in(5)
    ending = await stage.run(calling(("echo", "a"), ("client", "b")))
    assert ending.status == "stopped"
    denied, unanswered = [part for part in stage.fold.parts if part["type"].startswith("tool-")]
    assert denied["state"] == "output-denied"
    assert denied["approval"]["reason"] == NOT_DECIDED
    assert (unanswered["state"], unanswered["errorText"]) == ("output-error", NOT_ANSWERED)
