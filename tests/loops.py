"""The event loop of production, for tests that warn with errors."""

import warnings

import uvloop


class UvLoop(uvloop.Loop):
    """Fails when it is closed with a transport open, as asyncio's does.

    uvloop warns of each while it closes them. Where warnings are errors that would keep it from closing them, and it
    would wait for them for ever: so it is told only afterwards.
    """

    def close(self) -> None:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            super().close()
        for warning in told:
            warnings.warn(warning.message, stacklevel=2)
