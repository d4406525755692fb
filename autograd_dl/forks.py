"""What a forked process begins anew: no other thread of its parent lives there, to let go of a lock or to work."""

from __future__ import annotations

import os
from collections.abc import Callable


def in_child(begin_anew: Callable[[], object]) -> None:
    """Have each process that is forked from this one call that first, where systems fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=begin_anew)
