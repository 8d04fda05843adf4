"""`tidewire check`: whether any server keeps the agreement, shown over real sockets."""

from app.check.arguments import add_arguments
from app.check.run import command, run

__all__ = ["add_arguments", "command", "run"]
