"""Log archive: lines are appended, sealed once and for all, kept for long, seldom read."""

from bench.compare.model import MIB, OBJECT, Fact, Load, Need, Row, Workload
from bench.compare.targets import sweep

SIZE = MIB
COUNT = 64
SHIPPERS = 4
SEAL = Load("seal", "1 MiB of log lines made durable", "write", SIZE, durable=True)
READ_BACK = Load("read-back", "1 MiB of the archive read back", "randread", SIZE)


def prepare(stage):
    stage.put_objects(READ_BACK, COUNT)


def points(stage):
    return [*sweep(stage, SEAL, COUNT, SHIPPERS), *sweep(stage, READ_BACK, COUNT, SHIPPERS)]


def facts(_stage):
    return [Fact("a line that was just written",
                 "on the volume it is safe after the next flush; with objects only when its segment is "
                 "sealed, because nothing is appended to an object")]


ROW = Row(
    name="logs",
    need="log archive",
    conventional=OBJECT,
    conventional_words="object",
    question="Logs pile up, nobody changes them, few read them, and they must not be lost. Where do they lie "
             "cheapest?",
    what=(
        "Objects: each shipper PUTs sealed segments of 1 MiB; reading back is a GET of whole segments.",
        "Volume: each shipper appends 1 MiB to its file and flushes; reading back is reading the same sizes.",
    ),
    held_equal=("bytes of a segment", "shippers", "durable when acknowledged"),
    limits=("Colder storage classes, which make archives of objects cheaper still, are left out.",),
    loads=(SEAL, READ_BACK),
    needs=(Need("seal", SHIPPERS, 1000), Need("read-back", SHIPPERS, 1000)),
    workload=Workload("1,000 GB kept; 100 GB a month come in as segments of 1 MiB, a twentieth is read back",
                      1000, 5e3, 1e5),
    points=points, prepare=prepare, facts=facts)
