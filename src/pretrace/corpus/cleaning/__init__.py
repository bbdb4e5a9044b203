"""The `clean` stage: filters, duplicates, splits, over documents of any number."""
