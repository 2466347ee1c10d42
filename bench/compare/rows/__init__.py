"""The seven rows of the table, in its order."""

from bench.compare.rows import (database, filesystem, logs, random_io, sharing, uploads, website)

ROWS = tuple(module.ROW for module in (uploads, database, website, logs, random_io, sharing, filesystem))
