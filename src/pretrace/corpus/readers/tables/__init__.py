"""Tables of labeled rows: files of .parquet, .jsonl, .csv and .tsv as columns of plain Python values."""
