"""What a node tells of itself, over a whole node without connections."""

import re
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.auth.admission import Admission
from app.backplane.broker import BrokerStatistics
from app.listener import NodeListener
from app.models.interface import FinishReason, ModelFailure, Prompt, Sink
from app.node import Parts
from app.sockets.addresses import Addresses
from app.sockets.endpoint import Sockets
from app.sockets.line import Services
from app.sockets.wheel import Wheel
from app.streams.lease import FolderLease
from app.tasks import Crew
from app.telemetry import PREFIX, Telemetry
from protocol.errors import Refusal
from tests.app.fakes import answer_hello
from tests.app.world import Held, World, until

OPERATING = Path(__file__).parent.parent.parent / "app" / "docs" / "operating.md"


def telemetry_of(world: World) -> Telemetry:
    wheel, crew = Wheel(world.clock), Crew("commands")
    greeting = cast(Any, None)  # nobody says hello here
    services = Services(greeting, world.commands, world.hub, world.signed_in, world.registry, wheel, crew, world.clock)
    return Telemetry(
        Parts(
            name="n",
            database=world.store,
            journal=world.journal,
            broker=world.broker,
            listener=NodeListener(world.hub, world.registry, world.supervisor, world.ticker, world.asking),
            catalogue=world.catalogue,
            registry=world.registry,
            supervisor=world.supervisor,
            recovery=world.recovery,
            owners=world.owners,
            ownership=world.ownership,
            lease=FolderLease(),
            hub=world.hub,
            sockets=Sockets(services, world.limits, Admission((), True, ()), Addresses(1, world.clock)),
            commands=crew,
            wheel=wheel,
            clock=world.clock,
            limits=world.limits,
            retire=(),
        )
    )


def read(telemetry: Telemetry) -> dict[str, float]:
    """Every sample of ours: its name without the prefix, with its labels in braces."""
    return {
        sample.name.removeprefix(PREFIX) + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(telemetry.render().decode())
        for sample in family.samples
        if family.name.startswith(PREFIX)
    }


async def test_every_metric_is_documented_with_its_kind(world: World) -> None:
    families = text_string_to_metric_families(telemetry_of(world).render().decode())
    told = {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for family in families
        if family.name.startswith(PREFIX)
    }
    documented = re.findall(rf"^\| `({PREFIX}\w+)` \| (\w+) \|", OPERATING.read_text(), re.MULTILINE)
    assert dict(documented) == told
    assert len(documented) == len(told)


async def test_answers_are_counted_by_how_they_ended(world: World) -> None:
    async def fail(_prompt: Prompt, sink: Sink) -> FinishReason:
        sink.usage(7, None)
        raise ModelFailure("model_overloaded", "The model is busy.")

    async def use(prompt: Prompt, sink: Sink) -> FinishReason:
        sink.usage(30, 4)
        return await answer_hello(prompt, sink)

    caller, telemetry = await world.guest(), telemetry_of(world)
    world.model.script = use
    await world.answered(caller)
    world.model.script = fail
    await world.answered(caller)
    world.model.script = Held()
    running = await world.ask(caller)
    await until(lambda: read(telemetry)["first_token_seconds_count"] == 2)
    seen = read(telemetry)
    assert [seen[f"streams{{{status}}}"] for status in ("queued", "streaming", "stopping")] == [0, 1, 0]
    assert seen["answer_seconds_count"] == 2
    await world.run(caller, "stream.stop", streamId=running["streamId"])
    await world.ended(running["streamId"])
    await world.quiet()
    seen = read(telemetry)
    ended = {name: seen[f"streams_ended_total{{{name}}}"] for name in ("completed", "failed", "stopped", "interrupted")}
    assert ended == {"completed": 1, "failed": 1, "stopped": 1, "interrupted": 0}
    assert seen["stream_errors_total{model_overloaded}"] == 1
    assert (seen["tokens_total{input}"], seen["tokens_total{output}"]) == (37, 6), "2 are guessed"
    assert (seen["stop_seconds_count"], seen["answer_seconds_count"]) == (1, 3)
    assert (seen["streams{streaming}"], seen["streams_kept"]) == (0, 3)


async def test_chunks_are_counted_when_they_are_shown(world: World) -> None:
    caller, telemetry = await world.guest(), telemetry_of(world)
    tails = [(await world.answered(caller, f"c{number}")).log.tail for number in range(3)]
    await world.quiet()
    seen = read(telemetry)
    assert seen["chunks_shown_total"] == sum(tails)
    assert seen["tick_seconds_count"] > 0
    assert seen["journal_behind_seconds"] == 0


async def test_what_the_backplane_went_through_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    went_through = BrokerStatistics(
        heard=15, silent=1, reconnects=2, gaps=3, lost=4, missed=5, wipes=6, failures={"timeout": 7, "error": 8}
    )
    monkeypatch.setattr(world.broker, "statistics", lambda: went_through)
    world.registry.following.repaired = 9
    seen = read(telemetry_of(world))
    told = {name.removeprefix("backplane_"): value for name, value in seen.items() if name.startswith("backplane_")}
    assert told == {
        "partitions{heard}": 15,
        "partitions{silent}": 1,
        "reconnects_total": 2,
        "gaps_total": 3,
        "words_lost_total": 4,
        "probes_missed_total": 5,
        "wipes_total": 6,
        "calls_failed_total{timeout}": 7,
        "calls_failed_total{error}": 8,
    }
    assert seen["stream_gaps_repaired_total"] == 9


async def test_commands_are_counted_by_what_came_of_them(world: World) -> None:
    caller, telemetry = await world.guest(), telemetry_of(world)
    for _ in range(2):
        await world.run(caller, "chat.create", id="once", chatId="c")
    for number in range(3):
        with pytest.raises(Refusal):
            await world.run(caller, "chat.delete", chatId=f"gone_{number}")
    seen = read(telemetry)
    assert {name: count for name, count in seen.items() if name.startswith("commands_total")} == {
        "commands_total{ok}{chat.create}": 1,
        "commands_total{duplicate}{chat.create}": 1,
        "commands_total{not_found}{chat.delete}": 3,
    }
