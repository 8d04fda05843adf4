"""What a load run counts, and how it is told."""

from collections import Counter
from typing import Any

# A tenth of a millisecond is finer than the clocks of two processes agree.
_BUCKET_US = 100


class Spread:
    """How a time in microseconds is spread, in buckets of 0.1 ms; a million samples cost what ten do."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.most = 0

    def add(self, microseconds: int) -> None:
        """Count one sample; a clock that ran backwards counts as zero."""
        self._buckets[max(0, microseconds) // _BUCKET_US] += 1
        if microseconds > self.most:
            self.most = microseconds

    @property
    def count(self) -> int:
        """How many samples there are."""
        return self._buckets.total()

    def at(self, share: float) -> float | None:
        """The time in milliseconds that this share of the samples does not exceed; None without samples."""
        rank = share * self.count
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return min((bucket + 1) * _BUCKET_US, self.most) / 1000
        return None

    def told(self) -> dict[str, float | None]:
        """Median, 99th percentile and largest, in milliseconds."""
        return {"p50": self.at(0.5), "p99": self.at(0.99), "max": self.most / 1000 if self.count else None}


class Tally:
    """Everything one run counts."""

    def __init__(self) -> None:
        self.sockets = 0
        self.streams = 0
        self.tokens = 0
        self.frames = 0
        self.checked = 0
        self.mismatches = 0
        self.reconnects = 0
        self.moves = 0
        self.waits = 0
        self.unfinished = 0
        self.errors: Counter[str] = Counter()
        self.latency = Spread()
        self.first_token = Spread()
        self.elapsed = 0.0
        self.client_cpu = 0.0
        self.server_cpu: float | None = None

    @property
    def failed(self) -> bool:
        """Whether any tab was shown something else than what is stored."""
        return self.mismatches > 0

    def told(self) -> dict[str, Any]:
        """The result as one JSON object; times in milliseconds unless the name says otherwise."""
        result = {
            "sockets": self.sockets,
            "streams": self.streams,
            "tokens": self.tokens,
            "tokensPerSecond": _ratio(self.tokens, self.elapsed),
            "framesPerToken": _ratio(self.frames, self.tokens),
            "latencyMs": self.latency.told(),
            "firstTokenMs": self.first_token.told(),
            "reconnects": self.reconnects,
            "moves": self.moves,
            "waits": self.waits,
            "unfinished": self.unfinished,
            "errors": dict(self.errors),
            "checked": self.checked,
            "mismatches": self.mismatches,
            "seconds": round(self.elapsed, 3),
            "clientCpuUsPerToken": _ratio(self.client_cpu * 1e6, self.tokens),
        }
        if self.server_cpu is not None:
            result["serverCpuUsPerToken"] = _ratio(self.server_cpu * 1e6, self.tokens)
        return result

    def progress(self, elapsed: float) -> str:
        """One line on how it goes."""
        latency = self.latency.at(0.99)
        shown = "-" if latency is None else f"{latency:.1f} ms"
        return (
            f"{elapsed:5.0f} s  {self.sockets} sockets  {self.streams} streams  {self.tokens:,} tokens "
            f"({_ratio(self.tokens, elapsed):,.0f}/s)  p99 {shown}  errors {self.errors.total()}"
        )

    def table(self) -> str:
        """The result for people."""
        rows = [
            ("sockets", f"{self.sockets:,}"),
            ("streams", f"{self.streams:,}"),
            ("tokens delivered", f"{self.tokens:,}"),
            ("tokens/s", f"{_ratio(self.tokens, self.elapsed):,.0f}"),
            ("frames a token", f"{_ratio(self.frames, self.tokens):.2f}"),
            ("added latency", _times(self.latency)),
            ("first token", _times(self.first_token)),
            ("reconnects, moves", f"{self.reconnects}, {self.moves}"),
            ("waits for a limit", f"{self.waits}"),
            ("unfinished answers", f"{self.unfinished}"),
            ("errors", ", ".join(f"{name} x {count}" for name, count in self.errors.items()) or "0"),
            ("answers checked", f"{self.checked:,}, {self.mismatches} differ from what is stored"),
            ("client CPU a token", f"{_ratio(self.client_cpu * 1e6, self.tokens):.1f} us"),
        ]
        if self.server_cpu is not None:
            rows.append(("server CPU a token", f"{_ratio(self.server_cpu * 1e6, self.tokens):.1f} us"))
        return "".join(f"{name:<20}{value}\n" for name, value in rows)


def _ratio(part: float, whole: float) -> float:
    return round(part / whole, 3) if whole else 0.0


def _times(spread: Spread) -> str:
    if not spread.count:
        return "-"
    told = spread.told()
    return f"p50 {told['p50']:.1f} ms, p99 {told['p99']:.1f} ms, max {told['max']:.1f} ms"
