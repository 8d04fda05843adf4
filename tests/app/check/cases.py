"""What of `tidewire check` must notice which fault."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.app.check import faults, frame_faults
from tests.app.check.faulty import Fault


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, and the check with the guarantee (one of them at least) that must fail because of it.

    Args:
        patience: seconds; short where the fault is that something does not come, which waiting longer does not change.
    """

    fault: Callable[[], Fault]
    check: str
    guarantees: frozenset[str]
    patience: int = 20


def broken(*guarantees: str) -> frozenset[str]:
    return frozenset(guarantees)


STORED, RESUMED, CUT = "an answer is stored", "read on from any", "cut again and again"
CASES: dict[str, Case] = {
    "loses a chunk": Case(frame_faults.LoseChunk, STORED, broken("8")),
    "sends a chunk twice": Case(frame_faults.DoubleChunk, STORED, broken("8")),
    "swaps two chunks": Case(frame_faults.SwapChunks, STORED, broken("8")),
    "stores other words": Case(frame_faults.ChangeWord, STORED, broken("13")),
    "sends a delta without its start": Case(faults.DeltaWithoutStart, STORED, broken("9")),
    "loses an event": Case(frame_faults.LoseEvent, "two devices", broken("20")),
    "sends an event twice": Case(frame_faults.DoubleEvent, "two devices", broken("20")),
    "swaps two events": Case(frame_faults.SwapEvents, "commands of one chat", broken("4"), patience=2),
    "never ends": Case(frame_faults.NoEnd, STORED, broken("12"), patience=2),
    "ends twice": Case(frame_faults.TwoEnds, "one end after a stop", broken("12")),
    "counts too few chunks": Case(frame_faults.CountTooFew, STORED, broken("7")),
    "ends and goes on": Case(frame_faults.EndWithoutEnd, STORED, broken("12")),
    "ends elsewhere": Case(frame_faults.EndElsewhere, STORED, broken("12")),
    "completes what was stopped": Case(faults.StopThatCompletes, "one end after a stop", broken("15")),
    "does not answer": Case(frame_faults.NoAck, "a refusal is not", broken("3"), patience=2),
    "answers twice": Case(frame_faults.TwoAcks, "a refusal is not", broken("2")),
    "answers somebody else": Case(frame_faults.AckOfAnother, "a refusal is not", broken("2")),
    "answers behind the first chunk": Case(faults.AckAfterChunk, STORED, broken("10", "25")),
    "speaks before the welcome": Case(faults.PingFirst, "a welcome says", broken("1")),
    "answers no ping": Case(faults.NoPong, "a bad field", broken("2"), patience=2),
    "sends no pings": Case(faults.NoPings, STORED, broken("27")),
    "carries out a repeat": Case(faults.Forgetful, "one effect for", broken("3")),
    "does not say that it repeats": Case(faults.NotSaidTwice, "a lost ack", broken("3")),
    "refuses unknown fields": Case(faults.Strict, "unknown fields", broken("6")),
    "has codes of its own": Case(faults.OtherCode, "a bad field", broken("§8")),
    "gives no reason": Case(faults.BareError, "a bad field", broken("§3")),
    "says that no is not now": Case(faults.MayRetry, "a bad field", broken("§8")),
    "closes with another code": Case(faults.PlainClose, "a second hello", broken("1")),
    "resumes from the start": Case(faults.FromTheStart, RESUMED, broken("8")),
    "resumes with a hole": Case(faults.Hole, RESUMED, broken("8")),
    "takes any position": Case(faults.AnyPosition, "positions that are wrong", broken("8")),
    "says that nothing is missing": Case(faults.AlwaysRecovered, "events that cannot", broken("21")),
    "recovers no events": Case(faults.NeverRecovered, "events that were missed", broken("21")),
    "has a snapshot of another time": Case(faults.SnapshotOfAnotherTime, "a welcome says", broken("22")),
    "has a snapshot without a chat": Case(faults.ChatMissing, "snapshot and events", broken("22")),
    "lets everybody in": Case(faults.OpenDoor, "what belongs to another", broken("32")),
    "marks nothing unseen": Case(faults.NothingUnseen, "that nobody saw", broken("26"), patience=2),
    "does not ask who looks": Case(faults.AlwaysHidden, "that somebody saw", broken("26"), patience=2),
    "does not say who it was": Case(faults.Anonymous, "two devices", broken("23"), patience=2),
    "waits for nobody": Case(faults.Flood, "a client that reads slowly", broken("27")),
    "knows no versions": Case(faults.NoVersions, "versions of an answer", broken("§4"), patience=2),
    "sends fields of other types": Case(faults.WordsInBinary, "a welcome says", broken("§3")),
    "answers twice at once": Case(faults.TwoAtOnce, "one answer at a time", broken("17")),
}
