"""Sharing between services: independent processes read and write one namespace."""

from bench.compare import second_writer
from bench.compare.model import KIB, OBJECT, VOLUME, Fact, Load, Need, Row, Workload
from bench.compare.targets import block_point, object_point

SIZE = 16 * KIB
COUNT = 512
SERVICES = 8
SHARE = Load("share", "a read or write (7 to 3) of 16 KiB of what all services share", "randrw", SIZE,
             read_percent=70, durable=True)


def prepare(stage):
    stage.put_objects(SHARE, COUNT)


def points(stage):
    out = []
    for level in stage.levels(SERVICES):
        out.append(object_point(SHARE, level, COUNT))
        if level == 1:
            out.append(block_point(SHARE, VOLUME, level, "the only writer that there can be"))
    return out


def facts(stage):
    if not stage.nbd_socket:
        return [Fact("a second writer", "a device of one machine is not reachable from another",
                     excludes=VOLUME)]
    told = second_writer.ask(stage.nbd_socket, stage.volume_name)
    if told is None:
        return [Fact("a second writer", "was let in")]
    return [Fact("a second writer", f'is refused by the volume ("{told}")', excludes=VOLUME)]


ROW = Row(
    name="sharing",
    need="sharing between services",
    conventional=OBJECT,
    conventional_words="object",
    question="Several services, each on its own machine, read and write the same things. Who lets them?",
    what=(
        "Objects: 1 to many independent client processes read and write the same 512 objects of 16 KiB.",
        "Volume: one process does the same work in place; then a second machine asks to write.",
    ),
    held_equal=("bytes of an operation", "share of reads", "durable when acknowledged"),
    limits=("A cluster filesystem or a file server over a volume can be shared; that is another system with "
            "its own costs.",),
    loads=(SHARE,),
    needs=(Need("share", SERVICES, 200),),
    workload=Workload("50 GB; 20 million reads and 2 million writes a month from several machines", 50, 20e6,
                      2e6, server=True),
    points=points, prepare=prepare, facts=facts)
