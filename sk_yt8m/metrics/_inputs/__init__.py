"""Every form of `y_true` and `y_score`, checked."""
