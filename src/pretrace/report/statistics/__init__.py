"""Statistics of the table: means with intervals, differences, and which of them hold (docs/statistics.md)."""
