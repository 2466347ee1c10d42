"""Website assets: the same small files read again and again by many."""

from bench.compare import fio, mounts, web
from bench.compare.model import KIB, MIB, OBJECT, VOLUME, Fact, Load, Need, Point, Row, Workload
from bench.compare.targets import sweep

SIZE = 32 * KIB
COUNT = 512
VISITORS = 16
ASSET = Load("asset", "a read of one asset of 32 KiB", "randread", SIZE)
ENDPOINT = Load("endpoint", "an asset of 32 KiB from the website endpoint", "randread", SIZE)
SERVED = Load("served", "an asset of 32 KiB handed out by nginx", "randread", SIZE)
FIRST = Load("first", "the first read of an asset of 32 KiB by anybody, out of the page cache", "randread", SIZE)
VOLUME_BYTES = 256 * MIB


def prepare(stage):
    stage.put_objects(ASSET, COUNT)


def _before_bucket(stage, files):
    nginx = stage.once("nginx-cache", lambda: web.caching_bucket(stage, ASSET, COUNT))
    return nginx.measure(stage, nginx.job(stage, SERVED, VISITORS, COUNT), files, stage.pids(OBJECT))


def _from_website(level):
    def measure(stage, files):
        job = web.website_job(stage, ENDPOINT, level, COUNT)
        return fio.measure(stage, job, files, pids=stage.pids(OBJECT))
    return Point(ENDPOINT, OBJECT, level, measure, "unsigned, from the website endpoint")


def _first_from_bucket(stage, files):
    stage.forget(stage.data)
    if stage.public():
        job = web.website_job(stage, FIRST, VISITORS, COUNT)
    else:
        job = stage.bucket.job(FIRST, VISITORS, stage.seconds, COUNT)
    return fio.measure(stage, web.first_visit(job, FIRST, VISITORS, COUNT), files, pids=stage.pids(OBJECT))


def _server_on_volume(stage):
    def serve():
        folder = mounts.volume(stage, "assets", VOLUME_BYTES, "ext4")
        return folder, web.serving_folder(stage, folder, SERVED, COUNT)
    return stage.once("nginx-folder", serve)


def _on_volume(stage, files):
    _, nginx = _server_on_volume(stage)
    return nginx.measure(stage, nginx.job(stage, SERVED, VISITORS, COUNT), files, stage.pids(VOLUME))


def _first_on_volume(stage, files):
    folder, nginx = _server_on_volume(stage)
    stage.forget(folder)
    job = web.first_visit(nginx.job(stage, FIRST, VISITORS, COUNT), FIRST, VISITORS, COUNT)
    return nginx.measure(stage, job, files, stage.pids(VOLUME))


def points(stage):
    out = sweep(stage, ASSET, COUNT, VISITORS)
    if stage.public():
        out += [_from_website(level) for level in stage.levels(VISITORS)]
    if not stage.quick:
        out += [Point(SERVED, OBJECT, VISITORS, _before_bucket, "nginx as a cache before the bucket"),
                Point(SERVED, VOLUME, VISITORS, _on_volume, "nginx on ext4 on the attached volume"),
                Point(FIRST, VOLUME, VISITORS, _first_on_volume, "nginx on ext4 on the attached volume")]
        if stage.ours(OBJECT):  # what others keep in memory cannot be taken away from them
            out.append(Point(FIRST, OBJECT, VISITORS, _first_from_bucket, "from the website endpoint"
                             if stage.public() else "signed, from the bucket"))
    return out


def facts(stage):
    if stage.public():
        return []
    return [Fact("the website endpoint", "was not tried: the bucket could not be opened to everybody")]


ROW = Row(
    name="website",
    need="website assets",
    conventional=OBJECT,
    conventional_words="object + CDN",
    question="A page's images and scripts are read by everybody and changed by nobody. Who should hand "
             "them out?",
    what=(
        "Objects: each visitor GETs assets of 32 KiB over HTTP, picked at random; they come from the page "
        "cache after the first time (warm). Signed, and unsigned from the bucket's website endpoint.",
        "Volume: each visitor reads 32 KiB at random places, past the page cache (cold). The web server "
        "that would stand in front of the volume is left out, which flatters it.",
        "Full form: nginx hands out the same files, once as a cache before the bucket's "
        "website endpoint (before S3 with URLs signed ahead where there is none), once from ext4 on the "
        "attached volume; both warm. And once cold: each asset is read once after the files of the drives, or "
        "of the filesystem, were taken out of the page cache.",
    ),
    held_equal=("bytes of an asset", "visitors at once"),
    limits=("A CDN answers most requests from its own caches near the visitor. It is in the price "
            "(19 of 20 requests never reach the origin), not in the latency.",),
    loads=(ASSET, ENDPOINT, SERVED, FIRST),
    needs=(Need("asset", VISITORS, 100),),
    workload=Workload("20 GB of assets, 50 million reads a month of which a CDN passes on one in twenty, 10,000 "
                      "changes; visitors are elsewhere, so a volume needs a machine in front of it",
                      20, 2.5e6, 1e4, server=True),
    points=points, prepare=prepare, facts=facts)
