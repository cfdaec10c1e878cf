"""The store: a folder of memory-mapped arrays, converted from files once."""
