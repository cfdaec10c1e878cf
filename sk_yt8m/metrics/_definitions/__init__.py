"""The definition of each metric, one file each."""
