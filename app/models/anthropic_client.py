"""The connection to Anthropic's API, through the `anthropic` SDK.

The SDK takes three seconds to import, so it is imported in a thread, when it is first needed or when the server has
time for it. Its stream objects are passed by: they validate each event into a tree of models, which takes twice as
long as everything else and fails in fewer ways than streams do. Its `raw_events` gives the same events undressed.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from app.models.anthropic_failures import failure_of, no_stream

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

BASE_URL = "https://api.anthropic.com"
CONNECT_TIMEOUT = 10.0
"""Seconds to reach the provider; the SDK's own default, with its retries, keeps a person waiting for 13 s or more."""
WRITE_TIMEOUT = 30.0
READ_TIMEOUT = 600.0
"""Seconds between two bytes; far beyond `ProgressClock`, which watches the content: here pings would count."""


class AnthropicClient:
    """Sends requests and yields the events of their streams; shared by all models of one provider."""

    def __init__(self, api_key: str, base_url: str | None = None, *, connect_timeout: float = CONNECT_TIMEOUT) -> None:
        self._api_key = api_key
        self._base_url = base_url or BASE_URL
        self._connect_timeout = connect_timeout
        self._sdk: AsyncAnthropic | None = None
        self._loading: asyncio.Task[AsyncAnthropic] | None = None

    def __repr__(self) -> str:
        return f"<AnthropicClient {self._base_url}{'' if self._sdk else ' not loaded'}>"

    async def warm(self) -> None:
        """Import the SDK without holding up the loop."""
        await self._loaded()

    async def events(self, request: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Send a request and yield the events of the answer's stream as they stand on the wire.

        Closing the generator, or cancelling the task that runs it, closes the HTTP connection at once.

        Raises:
            ModelFailure: the provider failed, in any of its ways but a silent end.
        """
        sdk = await self._loaded()
        import anthropic  # in sys.modules by now
        import httpx2

        try:
            async with sdk.messages.with_streaming_response.create(**request) as response:
                content_type = response.headers.get("content-type", "")
                if not content_type.startswith("text/event-stream"):
                    raise no_stream(content_type)
                async for event in anthropic.AsyncStream.raw_events(response.http_response):
                    if event.data:
                        yield orjson.loads(event.data)
        except (anthropic.AnthropicError, httpx2.HTTPError, httpx2.StreamError, ValueError, OSError) as error:
            raise failure_of(error) from error

    async def close(self) -> None:
        """Close idle connections."""
        if self._loading is not None:
            await (await self._loading).close()

    async def _loaded(self) -> "AsyncAnthropic":
        if self._sdk is None:
            if self._loading is None:
                self._loading = asyncio.create_task(asyncio.to_thread(self._load), name="import anthropic")
            # Shielded: whoever asked first may be stopped, the import goes on for the others.
            self._sdk = await asyncio.shield(self._loading)
        return self._sdk

    def _load(self) -> "AsyncAnthropic":
        import anthropic

        timeout = anthropic.Timeout(
            READ_TIMEOUT, connect=self._connect_timeout, write=WRITE_TIMEOUT, pool=self._connect_timeout
        )
        sdk = anthropic.AsyncAnthropic(api_key=self._api_key, base_url=self._base_url, max_retries=0, timeout=timeout)
        _ = sdk.messages.with_streaming_response  # imports more, and would do so on the loop
        return sdk
