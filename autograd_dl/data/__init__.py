"""Data sets, and the reading of their files."""

from .mnist import load_mnist as load_mnist
