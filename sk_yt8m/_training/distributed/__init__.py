"""One training by several processes: their agreement, and what only the first one does."""
