"""Database data files: small overwrites inside a large file, each durable before the next."""

from bench.compare import mounts, postgres
from bench.compare.model import KIB, MIB, OBJECT, RAW, VOLUME, Fact, Load, Need, Point, Row, Workload
from bench.compare.targets import block_point, object_point

PAGE = 8 * KIB
FILE = 16 * MIB
FILES = 4
WRITERS = 4
POSTGRES_BYTES = 2048 * MIB
OVERWRITE = Load("overwrite", "a durable overwrite of one 8 KiB page", "randwrite", PAGE, durable=True)
# An object is replaced whole: the page costs the file that it is in.
REPLACE = Load("overwrite", OVERWRITE.title, "randwrite", FILE, durable=True)
TRANSACTION = Load("transaction", "a transaction of PostgreSQL (pgbench, TPC-B like)", "pgbench", PAGE,
                   durable=True)


def points(stage):
    out = []
    for level in stage.levels(WRITERS):
        if level <= WRITERS:  # more would only queue up: each moves the whole file
            out.append(object_point(REPLACE, level, FILES,
                                    "one page changed is one PUT of the whole file of 16 MiB"))
        out.append(block_point(OVERWRITE, VOLUME, level))
        if level == WRITERS:
            out.append(block_point(OVERWRITE, RAW, level))
    if not stage.quick:
        out += [_pgbench(VOLUME), _pgbench(OBJECT)]
    return out


def _pgbench(side):
    def cluster(stage):
        if side == VOLUME:
            folder = mounts.volume(stage, "postgres", POSTGRES_BYTES, "ext4")
        else:
            folder = mounts.bucket(stage, "postgres", postgres.owner())
        return postgres.Cluster(stage, folder, side)

    def measure(stage, files):
        made = stage.once(f"postgres-{side}", lambda: cluster(stage))
        return made.measure(side, WRITERS, files)
    note = "on ext4 on the attached volume" if side == VOLUME else "on the bucket, mounted by s3fs"
    return Point(TRANSACTION, side, WRITERS, measure, note, 2 if side == OBJECT else 25)


def facts(_stage):
    return [Fact("bytes sent for one changed page",
                 f"object {FILE // KIB} KiB, volume {PAGE // KIB} KiB: {FILE // PAGE:,} times as many")]


ROW = Row(
    name="database",
    need="database data files",
    conventional=VOLUME,
    conventional_words="block",
    question="A database changes one page of a large file and must know that it is safe before it "
             "answers. What does a page cost?",
    what=(
        "Volume: 8 KiB overwritten at a random place, then a flush, as PostgreSQL does for its log and at "
        "checkpoints.",
        "Objects: there is no overwriting inside an object, so the file of 16 MiB that holds the page is "
        "PUT anew. PostgreSQL's own files are up to 1 GiB: this flatters the objects.",
        "Full form: PostgreSQL itself, its data folder on ext4 on the attached volume, and on the bucket mounted "
        "by s3fs, driven by pgbench; that it fails there, or takes too long to begin, is a result.",
    ),
    held_equal=("writers", "durable when acknowledged", "one page changed an operation"),
    limits=("A database that is written for objects keeps its pages otherwise and batches its commits: "
            "this is about data files as they are.",),
    loads=(OVERWRITE, TRANSACTION),
    needs=(Need("overwrite", WRITERS, 20), Need("transaction", WRITERS, 100)),
    workload=Workload("100 GB of data files, 20 million reads and 50 million page writes a month (about 20 a "
                      "second)", 100, 20e6, 50e6),
    points=points, facts=facts)
