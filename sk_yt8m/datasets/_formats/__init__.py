"""CSV, TFRecord and Parquet: files to blocks of rows, and back."""
