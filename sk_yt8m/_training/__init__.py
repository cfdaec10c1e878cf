"""From checked data to trained weights."""
