"""`tidewire load`: many users with many tabs, every delivered word checked against the stored one."""

from app.load.arguments import add_arguments
from app.load.run import command, run

__all__ = ["add_arguments", "command", "run"]
