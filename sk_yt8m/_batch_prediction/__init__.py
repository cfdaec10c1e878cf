"""The best labels of the rows of a store, block by block, on this machine or on many."""
