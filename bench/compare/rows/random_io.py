"""Random I/O: 4 KiB anywhere, one at a time and many at once."""

from bench.compare import timed
from bench.compare.model import KIB, MIB, OBJECT, RAW, VOLUME, Load, Need, Point, Row, Workload
from bench.compare.targets import block_point, object_point

SIZE = 4 * KIB
COUNT = 2048
DEPTH = 32
READ = Load("read", "a random read of 4 KiB", "randread", SIZE)
WRITE = Load("write", "a durable random write of 4 KiB", "randwrite", SIZE, durable=True)
RANGE = Load("range", "4 KiB out of one object of 64 MiB, by ranged GET", "ranged GET", SIZE)
WHOLE = Load("whole", "the object that ranges are read from", "write", 64 * MIB)


def prepare(stage):
    stage.put_objects(READ, COUNT)


def _ranged(level):
    def measure(stage, files):
        stage.once("large-object", lambda: stage.put_objects(WHOLE, 1) or True)
        target = stage.presign("GET", f"o{WHOLE.bytes}_0_{WHOLE.bytes}")
        return timed.measure(stage, OBJECT, "ranged_get", [stage.bucket.host, target, WHOLE.bytes, SIZE,
                             timed.seconds(stage), level], files, SIZE, writes=False)
    return Point(RANGE, OBJECT, level, measure, "by HTTP clients in Python, whose own time is in it")


def points(stage):
    out = []
    for load in (READ, WRITE):
        for level in stage.levels(DEPTH):
            out += [object_point(load, level, COUNT), block_point(load, VOLUME, level)]
            if level == DEPTH or not stage.quick:
                out.append(block_point(load, RAW, level))
    if not stage.quick and not stage.bucket.https:
        out += [_ranged(1), _ranged(DEPTH)]
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
        "Objects: every block is an object of 4 KiB of its own, read by GET and replaced by PUT; "
        "in the full form also ranged GETs inside one object of 64 MiB.",
    ),
    held_equal=("bytes of an operation", "operations under way", "durable when acknowledged"),
    limits=("Blocks come from the disk past the page cache, small objects from the server's cache: on a "
            "disk that is slower than this one the objects' reads would look better than they are.",),
    loads=(READ, WRITE, RANGE),
    needs=(Need("read", DEPTH, 10), Need("write", DEPTH, 20)),
    workload=Workload("100 GB; 500 reads and 200 writes a second all month", 100, 500 * 2_628_000,
                      200 * 2_628_000),
    points=points, prepare=prepare)
