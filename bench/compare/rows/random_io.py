"""Random I/O: 4 KiB anywhere, one at a time and many at once."""

from bench.compare.model import KIB, RAW, VOLUME, Load, Need, Row, Workload
from bench.compare.targets import block_point, object_point

SIZE = 4 * KIB
COUNT = 2048
DEPTH = 32
READ = Load("read", "a random read of 4 KiB", "randread", SIZE)
WRITE = Load("write", "a durable random write of 4 KiB", "randwrite", SIZE, durable=True)


def prepare(stage):
    stage.put_objects(READ, COUNT)


def points(stage):
    out = []
    for load in (READ, WRITE):
        for level in stage.levels(DEPTH):
            out += [object_point(load, level, COUNT), block_point(load, VOLUME, level)]
            if level == DEPTH or not stage.quick:
                out.append(block_point(load, RAW, level))
    return out


ROW = Row(
    name="random-io",
    need="random I/O",
    conventional=VOLUME,
    conventional_words="block",
    question="Something reads and writes 4 KiB here and there, thousands of times a second. What does each "
             "cost in time, processor and money?",
    what=(
        "Volume: fio reads and writes 4 KiB at random places over NBD, with 1 and 32 under way; each write "
        "is followed by a flush.",
        "Objects: every block is an object of 4 KiB of its own, read by GET and replaced by PUT.",
    ),
    held_equal=("bytes of an operation", "operations under way", "durable when acknowledged"),
    limits=("Blocks come from the disk past the page cache, small objects from the server's cache: on a "
            "disk that is slower than this one the objects' reads would look better than they are.",),
    loads=(READ, WRITE),
    needs=(Need("read", DEPTH, 10), Need("write", DEPTH, 20)),
    workload=Workload("100 GB; 500 reads and 200 writes a second all month", 100, 500 * 2_628_000,
                      200 * 2_628_000),
    points=points, prepare=prepare)
