"""Website assets: the same small files read again and again by many."""

from bench.compare.model import KIB, OBJECT, Load, Need, Row, Workload
from bench.compare.targets import sweep

SIZE = 32 * KIB
COUNT = 512
VISITORS = 16
ASSET = Load("asset", "a read of one asset of 32 KiB", "randread", SIZE)


def prepare(stage):
    stage.put_objects(ASSET, COUNT)


def points(stage):
    return sweep(stage, ASSET, COUNT, VISITORS)


ROW = Row(
    name="website",
    need="website assets",
    conventional=OBJECT,
    conventional_words="object + CDN",
    question="A page's images and scripts are read by everybody and changed by nobody. Who should hand "
             "them out?",
    what=(
        "Objects: each visitor GETs assets of 32 KiB over HTTP, picked at random; they come from the page "
        "cache after the first time (warm).",
        "Volume: each visitor reads 32 KiB at random places, past the page cache (cold). The web server "
        "that would stand in front of the volume is left out, which flatters it.",
    ),
    held_equal=("bytes of an asset", "visitors at once"),
    limits=("A CDN answers most requests from its own caches near the visitor. It is in the price "
            "(19 of 20 requests never reach the origin), not in the latency.",),
    loads=(ASSET,),
    needs=(Need("asset", VISITORS, 100),),
    workload=Workload("20 GB of assets, 50 million reads a month of which a CDN passes on one in twenty, 10,000 "
                      "changes; visitors are elsewhere, so a volume needs a machine in front of it",
                      20, 2.5e6, 1e4, server=True),
    points=points, prepare=prepare)
