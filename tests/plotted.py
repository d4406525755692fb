"""What a figure of matplotlib shows."""

import numpy as np


def legend(axes):
    """The texts of the legend."""
    return [text.get_text() for text in axes.get_legend().get_texts()]


def titles(figure):
    """The title of each of its axes."""
    return [axes.get_title() for axes in figure.axes]


def images(figure):
    """The numbers of all images."""
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]
