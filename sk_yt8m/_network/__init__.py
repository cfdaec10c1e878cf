"""What a network is, and what one step computes."""
