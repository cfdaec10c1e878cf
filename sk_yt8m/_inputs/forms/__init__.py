"""Forms that are converted first: tables of other libraries, columns of arrays, lists of tags."""
