"""pretrace: from raw text to a benchmark table, reproducible to the byte."""
