"""PUT and GET of 4 KiB over 64 connections."""

from bench.common.processes import BenchError
from bench.common.row import Row
from bench.common.setting import GIB
from bench.object import baselines, client
from bench.object.nginx import Nginx
from bench.object.rows import SMALL_BYTES, SmallBodies, key_of
from bench.object.scratch_server import BUCKET
from bench.object.wrk import THREADS, Wrk, write_get_list, write_put_lists

CONNECTIONS = 64
GET_KEYS = 2_000
CHECKED_KEYS = 64
# More than any server here writes in a second, so that a run never comes to its second round.
PUTS_PER_SECOND_MAX = 30_000
DISK_BYTES_MAX = 12 * GIB  # both rows: three copies, logs and tables of what one row writes


def check_bodies(server, keys, bodies):
    with client.Connection(server.address) as connection:
        for key in keys:
            if connection.get(server.target("GET", key)) != bodies.of(key):
                raise BenchError(f"GET of {key} gave other bytes than were put")


def put_small(setting, _wanted):
    row = Row("put-small", "PUT 4 KiB, 64 clients, 3 replicas, durable",
              "flushes/s of one fio writer", "ops/s", 2.0)
    row.notes.append(
        "Distinct keys over presigned URLs; each 200 follows a flush on all three drives, folders of "
        "one disk. fio: 4 KiB write and fdatasync in a file laid out before, same filesystem.")
    setting.need(DISK_BYTES_MAX)
    with setting.server("put-small") as server:
        wrk, bodies = Wrk(server.folder), SmallBodies()
        filler = bodies.file(server.folder)
        lists = server.folder / "puts"

        def ours(attempt):
            keys = [key_of(n, f"r{attempt}-") for n in range(PUTS_PER_SECOND_MAX * setting.seconds)]
            write_put_lists(lists, server, keys)
            summary, sample = wrk.put(server.host, [server.pid], lists, f"/{BUCKET}/", filler,
                                      SMALL_BYTES, CONNECTIONS, setting.seconds)
            if summary["requests"] > len(keys):
                row.notes.append("More PUTs than keys: some were written twice.")
            # wrk asks for one request ahead, to see what it looks like, and does not send it.
            check_bodies(server, keys[THREADS:THREADS + CHECKED_KEYS], bodies)
            return sample

        def other(_):
            return baselines.flushes_per_second(server.folder, setting.seconds)

        row.ours, row.other = setting.interleaved("PUT 4 KiB", ours, other)
    return [row.finish_ratio()]


def get_small(setting, _wanted):
    row = Row("get-small", "GET 4 KiB, 64 keep-alive connections, presigned",
              "nginx, the same bytes from files", "ops/s", 0.5)
    row.notes.append(
        f"{GET_KEYS:,} objects in turn, each signature verified, each read checked against its "
        "checksum. nginx: Debian's settings without access log, the same bytes as files. Everything "
        "was read before: from the page cache on both sides, where the servers use it.")
    setting.need(DISK_BYTES_MAX)
    with (setting.server("get-small") as server,
          Nginx(server.folder / "nginx") as nginx):
        wrk, bodies = Wrk(server.folder), SmallBodies()
        keys = [key_of(n) for n in range(GET_KEYS)]
        client.fill(server, keys, bodies.of)
        for key in keys:
            (nginx.files / key).write_bytes(bodies.of(key))
        ours, other = server.folder / "gets", server.folder / "gets-nginx"
        write_get_list(ours, [server.target("GET", key) for key in keys])
        # As long as ours, so that the load tool sends as much; nginx ignores a file's query.
        query = server.target("GET", keys[0]).partition("?")[2]
        write_get_list(other, [f"/{key}?{query}" for key in keys])
        check_bodies(server, keys, bodies)
        wrk.get(nginx.host, nginx.pids(), other, CONNECTIONS, 1, SMALL_BYTES)

        def side(host, pids, requests):
            return lambda _: wrk.get(host, pids, requests, CONNECTIONS, setting.seconds,
                                     SMALL_BYTES)[1]

        row.ours, row.other = setting.interleaved(
            "GET 4 KiB", side(server.host, [server.pid], ours),
            side(nginx.host, nginx.pids(), other))
        check_bodies(server, keys[:CHECKED_KEYS], bodies)
    return [row.finish_ratio()]
