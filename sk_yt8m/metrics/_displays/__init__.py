"""Pictures of the metrics, by matplotlib."""
