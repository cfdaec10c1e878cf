"""Files or arrays to a store: sources, read in order, appended and journalled."""
