"""What the benches of both halves share: processes, pairs of runs, the report."""
