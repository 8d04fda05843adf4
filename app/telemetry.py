"""What a node tells of itself: `/metrics`, in the text format of Prometheus.

Parts count what they do in plain numbers, as they go. Nothing here stands in anybody's way: a scrape reads all of
them at one moment, between two events of the loop, and only then are they put into words.
"""

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from app.histogram import Histogram
from app.node import Parts
from protocol.lifecycle import TERMINAL

PREFIX = "tidewire_"


class Telemetry:
    """Writes down the state of one node.

    Args:
        parts: what the node is made of.
    """

    def __init__(self, parts: Parts) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Reading(parts, version("tidewire")))
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def render(self) -> bytes:
        """Read everything now."""
        return generate_latest(self._registry)


class _Reading(Collector):
    """Reads the parts when it is asked; the library's own way to export numbers that are kept elsewhere."""

    def __init__(self, parts: Parts, program: str) -> None:
        self._parts = parts
        self._names = {(parts.name, program): 1}

    def collect(self) -> Iterator[Metric]:
        """Read every metric once."""
        parts = self._parts
        yield _gauge("node", "Always 1; says which node and version this is.", self._names, "node", "version")
        yield from _sockets(parts)
        yield from _streams(parts)
        yield from _answers(parts)
        yield from _realtime(parts)
        yield from _backplane(parts)
        yield from _machine(parts)


def _sockets(parts: Parts) -> Iterator[Metric]:
    seen = parts.sockets.statistics()
    yield _gauge("sockets_open", "Websockets that are open.", seen.open)
    yield _gauge(
        "sockets_slow",
        "Open websockets that take nothing more now: the kernel's buffer is full, or pongs are awaited.",
        {"buffer": seen.stalled, "window": seen.full},
        "reason",
    )
    yield _counter("sockets_accepted", "Websockets that were accepted.", seen.accepted)
    yield _counter("sockets_refused", "Websocket handshakes that were refused with 403.", seen.refused)
    yield _counter("sockets_closed", "Websockets that are gone, by close code.", seen.closed, "code")
    yield _counter("sent_bytes", "Bytes written to websockets.", seen.bytes_sent)
    yield _counter("errors", "Error frames sent to clients, by code.", seen.errors, "code")
    yield _counter("commands", "Commands carried out: ok, duplicate, or the error.", seen.commands, "type", "outcome")
    yield _gauge("commands_under_way", "Commands that are not answered yet.", len(parts.commands))
    yield _histogram(
        "resume_frames", "Data frames until a client had caught up with what it missed of an answer.", seen.resumes
    )


def _streams(parts: Parts) -> Iterator[Metric]:
    held = parts.registry.statistics()
    active = {status: held.by_status.get(status, 0) for status in ("queued", "streaming", "stopping")}
    yield _gauge("streams", "Streams of this node that have not ended, by status.", active, "status")
    kept = sum(count for status, count in held.by_status.items() if status in TERMINAL)
    yield _gauge("streams_kept", "Streams that have ended and can still be resumed from memory.", kept)
    yield _gauge("stream_log_bytes", "Bytes of stream logs in memory.", held.size)
    yield _gauge("subscriptions", "Subscriptions to streams that have not ended.", held.readers)
    ticks = parts.supervisor.ticks()
    yield _counter("chunks_shown", "Chunks (about a token each) that readers may see.", ticks.shown)
    yield _histogram("tick_seconds", "What a tick takes: one write to the journal, one flush a reader.", ticks.ticks)
    yield _gauge("journal_behind_seconds", "For how long the journal has not taken what it was given.", ticks.behind)


def _answers(parts: Parts) -> Iterator[Metric]:
    tally = parts.supervisor.tally
    ended = {status: tally.ended[status] for status in sorted(TERMINAL)}
    yield _counter("streams_ended", "Streams that ended here, by status.", ended, "status")
    yield _counter("stream_errors", "Answers that failed or were cut off, by code.", tally.failures, "code")
    yield _counter("tokens", "Tokens that answers cost, as models count them.", tally.tokens, "kind")
    calls = parts.supervisor.tool_calls
    yield _counter("tool_calls", "Tool calls that ended: ok, error or denied.", calls, "tool", "outcome")
    yield _histogram("first_token_seconds", "From the start of an answer to its first content.", tally.first_words)
    yield _histogram("answer_seconds", "From the start of an answer to its end.", tally.durations)
    yield _histogram("stop_seconds", "From a stop to the end of the answer.", tally.stops)


def _realtime(parts: Parts) -> Iterator[Metric]:
    seen = parts.hub.statistics()
    yield _gauge("users_present", "Users with a websocket on this node.", seen.users)
    yield _counter("gaps_repaired", "Times missed events were read from the database.", seen.gaps)
    yield _counter("events_reset", "Clients sent back to a snapshot, by reason.", seen.resets, "reason")


def _backplane(parts: Parts) -> Iterator[Metric]:
    seen = parts.broker.statistics()
    states = {"heard": seen.heard, "silent": seen.silent}
    failures = {reason: seen.failures.get(reason, 0) for reason in ("timeout", "error")}
    repaired = parts.registry.following.repaired
    yield _gauge("backplane_partitions", "Parts of the backplane, by whether they are heard now.", states, "state")
    yield _counter("backplane_reconnects", "Times this node had to connect anew to hear.", seen.reconnects)
    yield _counter("backplane_calls_failed", "Calls of Redis that failed, by reason.", failures, "reason")
    yield _counter("backplane_probes_missed", "Probes that were taken and did not come back.", seen.missed)
    yield _counter("backplane_wipes", "Times a part of the backplane had lost what it had.", seen.wipes)
    yield _counter("backplane_words_lost", "Words to other nodes that could not be sent.", seen.lost)
    yield _counter("backplane_gaps", "Times words of other nodes may have been lost on the way.", seen.gaps)
    yield _counter("stream_gaps_repaired", "Times the journal was read for an answer of another node.", repaired)


def _machine(parts: Parts) -> Iterator[Metric]:
    yield _gauge("database_connections_free", "Database connections nobody holds.", parts.database.free_connections)
    yield _counter("database_queries", "Statements sent to the database.", parts.database.queries)
    yield _histogram("loop_lag_seconds", "How late the event loop wakes, 16 times a second.", parts.wheel.lag)


# One number, or one for each label, or for each tuple of labels.
Values = float | Mapping[Any, float]


def _gauge(name: str, help_text: str, values: Values, *labels: str) -> Metric:
    return _filled(GaugeMetricFamily(PREFIX + name, help_text, labels=labels), values)


def _counter(name: str, help_text: str, values: Values, *labels: str) -> Metric:
    return _filled(CounterMetricFamily(PREFIX + name, help_text, labels=labels), values)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Values) -> Metric:
    for labels, value in values.items() if isinstance(values, Mapping) else [((), values)]:
        family.add_metric(labels if isinstance(labels, tuple) else (labels,), value)
    return family


def _histogram(name: str, help_text: str, histogram: Histogram) -> Metric:
    family = HistogramMetricFamily(PREFIX + name, help_text)
    buckets = [("+Inf" if bound == float("inf") else str(bound), count) for bound, count in histogram.buckets()]
    family.add_metric((), buckets, histogram.total)
    return family
