"""All figures at once, with confidence intervals."""
