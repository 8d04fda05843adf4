"""What the bar scripts share: percentiles, a table, and an exit status that says whether the bar was reached."""

import argparse
import sys
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent of all do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100).__int__() - 1)]


def parser(description: str | None, **counts: int) -> argparse.ArgumentParser:
    """An argument parser with one whole-number option a count, at the default that the bar asks for."""
    options = argparse.ArgumentParser(description=description)
    for name, default in counts.items():
        options.add_argument(f"--{name}", type=int, default=default)
    return options


def report(title: str, rows: dict[str, object], *, reached: bool) -> int:
    """Print figures and the verdict; return the exit status."""
    width = max(map(len, rows))
    print(f"\n{title}")
    for name, value in rows.items():
        print(f"  {name.ljust(width)}  {value}")
    print(f"  {'bar'.ljust(width)}  {'reached' if reached else 'NOT REACHED'}")
    sys.stdout.flush()
    return 0 if reached else 1
