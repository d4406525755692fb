"""Benchmarks: the work that the book does, side by side with the libraries that its readers would otherwise use."""
