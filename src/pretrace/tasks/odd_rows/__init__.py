"""Signs of a fault in rows that are sound one by one: classes that nobody meant, names as rows, endless texts."""
