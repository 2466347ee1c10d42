"""`strata compare`: the storage-choice table, answered by experiment on both halves."""
