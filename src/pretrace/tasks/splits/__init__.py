"""What the splits of a task share: equal rows, nearly equal rows, texts; and cuts that keep shared texts together."""
