"""The store: a folder of memory-mapped arrays."""
