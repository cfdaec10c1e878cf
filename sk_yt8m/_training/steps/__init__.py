"""Training steps: compiled for one device, or for the replicas of a strategy."""
