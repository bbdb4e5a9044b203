"""Rows and texts that splits of a task share, equal or nearly; and cuts that keep shared texts together."""
