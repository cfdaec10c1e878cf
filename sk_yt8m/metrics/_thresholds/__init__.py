"""Thresholds from validation data."""
