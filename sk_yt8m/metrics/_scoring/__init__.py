"""Scorers, and metrics by name and in batches."""
