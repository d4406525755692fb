"""Where a line of a test stands, for what tells of lines."""

import inspect


def line_of(fun, text):
    """The number of the line of `fun` in which `text` stands."""
    lines, start = inspect.getsourcelines(fun)
    return start + next(i for i, line in enumerate(lines) if text in line)
