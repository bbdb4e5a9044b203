"""Typed records of the JSON files that one part of pretrace writes and another reads.

    benchmark = read_record("reports/benchmark.json", Benchmark)
    write_record("reports/benchmark.json", benchmark)

One class a file, in the module of its subject; docs/formats.md is made from them (`python -m pretrace.schemas`).
"""
