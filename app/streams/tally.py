"""What became of the answers of a node, counted as they end."""

from collections import Counter

from app.histogram import ANSWERS, WAITS, Histogram
from app.streams.generation import Ending


class Tally:
    """The answers a node has brought to their end since its start. Plain numbers: one event loop owns them.

    Attributes:
        ended: streams by their last status, those sealed for dead nodes included.
        failures: the codes of those that failed or were interrupted.
        tokens: what they cost, by `input` and `output`.
        first_words: seconds from the start of an answer to its first content.
        durations: seconds from the start of an answer to its end, unless it was cut off.
        stops: seconds from a stop to the answer's end.
    """

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter(input=0, output=0)
        self.first_words = Histogram(WAITS)
        self.durations = Histogram(ANSWERS)
        self.stops = Histogram(WAITS)

    def count(self, ending: Ending, seconds: float) -> None:
        """Count an answer that ended.

        Args:
            seconds: how long ago it began.
        """
        self.ended[ending.status] += 1
        if ending.status != "interrupted":
            self.durations.observe(seconds)
        if ending.error is not None:
            self.failures[ending.error.code] += 1
        if ending.usage is not None:
            self.tokens["input"] += ending.usage.input_tokens
            self.tokens["output"] += ending.usage.output_tokens
        if ending.stop_latency_ms is not None:
            self.stops.observe(ending.stop_latency_ms / 1000)
