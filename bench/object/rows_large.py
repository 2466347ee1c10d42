"""PUT and GET of 64 MiB over 4 connections."""

import os
import statistics

from bench.common import stats
from bench.common.processes import BenchError, Meter
from bench.common.row import Row
from bench.common.setting import GIB
from bench.object import baselines, client
from bench.object.nginx import Nginx
from bench.object.rows import LARGE_BYTES

CONNECTIONS = 4
# Of each connection in a run: 1.5 GiB of PUTs, three times that on the disk.
PUTS = 6
QUICK_PUTS = 2
GETS = 16
QUICK_GETS = 4
DISK_BYTES_MAX = 12 * GIB  # one run's three copies, what of the run before is not yet removed, fio's file


def _sample(meter, operations):
    return meter.sample(operations * LARGE_BYTES / meter.seconds, operations)


def put_large(setting, _wanted):
    row = Row("put-large", "PUT 64 MiB, 4 connections, 3 replicas, durable",
              "the lower of MD5 on all cores and fio's write / 3", "B/s", 0.7)
    row.notes.append(
        "Presigned, distinct keys; each 200 follows the flush of all three copies and carries the "
        "body's MD5, which is checked. fio: sequential, direct, 1 MiB blocks, four under way, "
        "flushed at the end.")
    puts = QUICK_PUTS if setting.quick else PUTS
    body = os.urandom(LARGE_BYTES)
    etag = client.md5(body)
    setting.need(DISK_BYTES_MAX)
    with setting.server("put-large") as server:
        def ours(attempt):
            keys = [[f"run{attempt}-{c}-{n}" for n in range(puts)] for c in range(CONNECTIONS)]

            def job(mine):
                def put(connection):
                    for key in mine:
                        connection.put(server.target("PUT", key), body, etag)
                return put

            meter = Meter([server.pid]).start()
            client.in_parallel(server.address, [job(mine) for mine in keys])
            sample = _sample(meter.stop(), CONNECTIONS * puts)
            with client.Connection(server.address) as connection:
                if client.md5(connection.get(server.target("GET", keys[-1][-1]))) != etag:
                    raise BenchError("GET gave other bytes than were put")
                for key in sum(keys, []):
                    connection.delete(server.target("DELETE", key))
            return sample

        row.ours, row.other = setting.interleaved(
            "PUT 64 MiB", ours, lambda _: _put_limit(server.folder, setting.seconds))
    digest, disk = (statistics.median(stats.extra_of(row.other, name))
                    for name in ("md5_bytes_per_second", "fio_bytes_per_second_by_3"))
    row.notes.append(f"MD5 {digest / 1e6:,.0f} MB/s, fio / 3 {disk / 1e6:,.0f} MB/s.")
    return [row.finish_ratio()]


def _put_limit(folder, seconds):
    """The lower of what the cores digest and what the disk takes of three copies."""
    disk = baselines.sequential_write(folder, seconds)
    digest = baselines.md5_speed(folder, max(1, seconds // 2))
    disk.value /= 3
    lower = min(disk, digest, key=lambda sample: sample.value)
    lower.extra = {"md5_bytes_per_second": digest.value, "fio_bytes_per_second_by_3": disk.value}
    lower.others_share = max(disk.others_share, digest.others_share)
    return lower


def get_large(setting, _wanted):
    row = Row("get-large", "GET 64 MiB, 4 connections", "nginx with sendfile", "B/s", 0.7)
    row.notes.append(
        "Presigned, one object a connection, read again and again; every block checked against its "
        "checksum. nginx: sendfile from the page cache. Where ours read from shows in its storage "
        "traffic.")
    gets = QUICK_GETS if setting.quick else GETS
    body = os.urandom(LARGE_BYTES)
    keys = [f"large-{n}" for n in range(CONNECTIONS)]
    setting.need(DISK_BYTES_MAX)
    with (setting.server("get-large") as server,
          Nginx(server.folder / "nginx") as nginx):
        with client.Connection(server.address) as connection:
            for key in keys:
                connection.put(server.target("PUT", key), body, client.md5(body))
                (nginx.files / key).write_bytes(body)
                if connection.get(server.target("GET", key)) != body:
                    raise BenchError("GET gave other bytes than were put")
        ours = [server.target("GET", key) for key in keys]
        other = [f"/{key}" for key in keys]

        def measure(address, pids, targets, times):
            def job(target):
                def get(connection):
                    for _ in range(times):
                        if connection.drain(target) != LARGE_BYTES:
                            raise BenchError("GET gave another length than was put")
                return get

            meter = Meter(pids).start()
            client.in_parallel(address, [job(target) for target in targets])
            return _sample(meter.stop(), CONNECTIONS * times)

        measure(nginx.address, nginx.pids(), other, 1)
        measure(server.address, [server.pid], ours, 1)
        row.ours, row.other = setting.interleaved(
            "GET 64 MiB", lambda _: measure(server.address, [server.pid], ours, gets),
            lambda _: measure(nginx.address, nginx.pids(), other, gets))
    return [row.finish_ratio()]
