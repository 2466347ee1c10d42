"""The rows: fio's jobs over NBD to Strata and to its peers."""

import contextlib
import dataclasses

from bench.block import servers
from bench.block.fio import Job, fill
from bench.common import stats
from bench.common.row import Row
from bench.common.setting import GIB

DISK_BYTES = 2 * GIB
QUICK_DISK_BYTES = GIB // 4
KIB = 1024


@dataclasses.dataclass(frozen=True)
class Plan:
    """A row of the table: a load, the peers, and what is asked."""

    name: str
    title: str
    job: Job
    peers: tuple
    rate: float  # at least so many times the best peer's operations
    cpu: float | None = None  # at most so many times its server's processor time per operation
    tail: bool = False  # p99 must be no worse
    ours: type = servers.Strata
    beside: tuple = ()  # measured in the same minutes and told, without anything being asked


DIRECT = (servers.QemuStorageDaemon, servers.QemuNbd)
PAGE_CACHE = (servers.NbdkitFile, servers.QemuNbdPageCache)
# How far the disk itself goes, beside each row that uses it.
RAW = (servers.RawFile,)

PLANS = (
    Plan("read-32", "random read 4 KiB, direct, depth 32", Job("randread", 4 * KIB, 32), DIRECT, 1.5,
         0.6, beside=RAW),
    Plan("write-32", "random write 4 KiB, direct, depth 32", Job("randwrite", 4 * KIB, 32), DIRECT, 1.5,
         0.6, beside=RAW),
    Plan("read-1", "random read 4 KiB, direct, depth 1", Job("randread", 4 * KIB, 1), DIRECT,
         1.5, tail=True, beside=RAW),
    Plan("write-1", "random write 4 KiB, direct, depth 1", Job("randwrite", 4 * KIB, 1), DIRECT,
         1.5, tail=True, beside=RAW),
    Plan("read-4x32", "random read 4 KiB, direct, 4 connections, depth 32",
         Job("randread", 4 * KIB, 32, jobs=4), DIRECT, 1.1, 0.7, beside=RAW),
    Plan("write-4x32", "random write 4 KiB, direct, 4 connections, depth 32",
         Job("randwrite", 4 * KIB, 32, jobs=4), DIRECT, 1.1, 0.7, beside=RAW),
    Plan("page-cache-read-32", "random read 4 KiB, page cache, depth 32",
         Job("randread", 4 * KIB, 32, direct=False), PAGE_CACHE, 1.2, 0.6, ours=servers.StrataPageCache,
         beside=RAW),
    Plan("page-cache-write-32", "random write 4 KiB, page cache, depth 32",
         Job("randwrite", 4 * KIB, 32, direct=False), PAGE_CACHE, 1.2, 0.6,
         ours=servers.StrataPageCache, beside=RAW),
    Plan("memory-read-32", "random read 4 KiB, memory, depth 32", Job("randread", 4 * KIB, 32),
         (servers.NbdkitMemory,), 1.0, 0.5, ours=servers.StrataMemory),
    Plan("memory-write-32", "random write 4 KiB, memory, depth 32", Job("randwrite", 4 * KIB, 32),
         (servers.NbdkitMemory,), 1.0, 0.5, ours=servers.StrataMemory),
    Plan("sequential-read", "sequential read 1 MiB, direct, depth 8", Job("read", 1024 * KIB, 8),
         (servers.RawFile,), 0.8),
    Plan("sequential-write", "sequential write 1 MiB, direct, depth 8", Job("write", 1024 * KIB, 8),
         (servers.RawFile,), 0.8),
    Plan("raw-read-32", "random read 4 KiB, direct, depth 32, beside the raw file",
         Job("randread", 4 * KIB, 32), (servers.RawFile,), 0.8),
)
NAMES = tuple(plan.name for plan in PLANS)


def _rows(plan, ours, best, best_name, others):
    rate = Row(plan.name, plan.title, best_name, "ops/s", plan.rate, ours=ours, other=best)
    rate.finish_ratio()
    for name, samples in others.items():
        rate.details[name] = {"value": stats.median_of(samples, "value"),
                              "server_cpu_us": stats.median_of(samples, "server_cpu_us"),
                              "latency_us_p99": stats.median_of(samples, "latency_us_p99")}
    if len(others) > 1:
        rate.notes.append("Medians: " + "; ".join(
            f"{name} {one['value']:,.0f} ops/s at {one['server_cpu_us'] or 0:.1f} us"
            for name, one in rate.details.items()) + ".")
    rows = [rate]
    for what, field, most in (("server CPU", "server_cpu_us", plan.cpu),
                              ("p99", "latency_us_p99", 1.0 if plan.tail else None)):
        if most is None:
            continue
        row = Row(plan.name, f"{plan.title}: {what}", best_name, "us", most, at_least=False,
                  ours=_by(field, ours), other=_by(field, best))
        rows.append(row.finish_ratio())
    return rows


def _by(field, samples):
    """The same runs with one of their fields as the value."""
    return [dataclasses.replace(sample, value=getattr(sample, field)) for sample in samples]


def measure(setting, plan, ours, peers, beside, size):
    sides = [lambda _, one=one: plan.job.run(one, size, setting.folder, setting.seconds)
             for one in (ours, *peers, *beside)]
    samples = setting.interleaved(plan.name, *sides)
    by_name = {one.name: some for one, some in zip((*peers, *beside), samples[1:])}
    best = max((one.name for one in peers), key=lambda name: stats.median_of(by_name[name], "value"))
    return _rows(plan, samples[0], by_name[best], best, by_name)


def run(setting, wanted):
    """Row by row; the servers stay between them, so that their disks are filled once."""
    size = QUICK_DISK_BYTES if setting.quick else DISK_BYTES
    plans = [plan for plan in PLANS if plan.name in wanted]
    classes = list(dict.fromkeys(cls for plan in plans
                                 for cls in (plan.ours, *plan.peers, *plan.beside)))
    setting.need(len(classes) * size)
    servers.Strata.binary = setting.binary
    with contextlib.ExitStack() as stack:
        targets = {}
        for cls in classes:
            ours = issubclass(cls, servers.Strata)
            arguments = (setting.profile_path(cls.name),) if ours else ()
            targets[cls] = stack.enter_context(cls(setting.folder, size, *arguments))
        for one in targets.values():
            setting.say(f"filling the disk of {one.name}")
            fill(one, size, setting.folder)
        for plan in plans:
            yield from measure(setting, plan, targets[plan.ours], [targets[cls] for cls in plan.peers],
                               [targets[cls] for cls in plan.beside], size)
