"""The pure core of an answer: its chunks, their grammar, their fold and their coalescing."""
