"""What a figure of matplotlib shows, and which warnings it may give when it is made."""

import numpy as np

BY_PYPARSING = ("matplotlib._fontconfig_pattern", "matplotlib._mathtext", "pyparsing.util")
"""Where a late pyparsing finds an early matplotlib call what it deprecates."""
STRICT = ",".join(["error", *(f"ignore::DeprecationWarning:{module}" for module in BY_PYPARSING)])
"""For PYTHONWARNINGS: every other warning is an error."""


def legend(axes):
    """The texts of the legend."""
    return [text.get_text() for text in axes.get_legend().get_texts()]


def titles(figure):
    """The title of each of its axes."""
    return [axes.get_title() for axes in figure.axes]


def images(figure):
    """The numbers of all images."""
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]
