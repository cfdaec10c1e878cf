"""The evaluation report: all main metrics with confidence intervals."""
