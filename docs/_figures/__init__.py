"""Render the figures of `docs/results/figures` into pages and pictures."""
