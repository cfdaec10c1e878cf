"""Every form of X and y, and the order in which rows are taken."""
