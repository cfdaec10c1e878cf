"""Search of the rows with the highest cosine similarity."""
