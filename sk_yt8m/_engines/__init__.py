"""What the package tells Dask and Ray, and asks of them."""
