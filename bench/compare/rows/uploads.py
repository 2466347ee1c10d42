"""User uploads: many clients write and read whole files of a realistic size by name."""

from bench.compare.model import KIB, OBJECT, Load, Need, Row, Workload
from bench.compare.targets import sweep

SIZE = 256 * KIB
COUNT = 128
CLIENTS = 8
UPLOAD = Load("upload", "an upload of 256 KiB", "randwrite", SIZE, durable=True)
DOWNLOAD = Load("download", "a download of 256 KiB", "randread", SIZE)


def prepare(stage):
    stage.put_objects(DOWNLOAD, COUNT)


def points(stage):
    return [*sweep(stage, UPLOAD, COUNT, CLIENTS), *sweep(stage, DOWNLOAD, COUNT, CLIENTS)]


ROW = Row(
    name="uploads",
    need="user uploads (images, documents)",
    conventional=OBJECT,
    conventional_words="object",
    question="Many clients write and read whole files, each by its name. Is anything lost by giving up "
             "the disk?",
    what=(
        "Objects: each client PUTs or GETs whole objects of 256 KiB over HTTP, signed, one after the "
        "other.",
        "Volume: each client writes or reads 256 KiB at a random place; a write is followed by a flush. "
        "Finding the place by a name is what a filesystem would add, so this flatters the volume.",
    ),
    held_equal=("bytes of an operation", "operations under way", "durable when acknowledged"),
    limits=("The clients are processes of the same machine: the network is loopback.",),
    loads=(UPLOAD, DOWNLOAD),
    needs=(Need("upload", CLIENTS, 500), Need("download", CLIENTS, 250)),
    workload=Workload("500 GB of files kept; a million uploads and ten million downloads a month; users "
                      "are elsewhere, so a volume needs a machine in front of it", 500, 10e6, 1e6,
                      server=True),
    points=points, prepare=prepare)
