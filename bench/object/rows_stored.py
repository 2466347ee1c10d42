"""What does not get slower as more is stored: LIST of every key, PUT and GET at three sizes.

The sizes are three servers side by side, so that their runs can alternate.
"""

import contextlib
import random
import re
import statistics
import time
import urllib.parse

from bench.common import stats
from bench.common.processes import BenchError, Meter, cpu_seconds
from bench.common.row import Row
from bench.object import client
from bench.object.rows import SMALL_BYTES, SmallBodies, key_of
from bench.object.rows_small import CHECKED_KEYS, CONNECTIONS, PUTS_PER_SECOND_MAX, check_bodies
from bench.object.scratch_server import BUCKET
from bench.object.wrk import Wrk, write_get_list, write_put_lists

SIZES = (10_000, 100_000, 1_000_000)
QUICK_SIZES = (1_000, 10_000, 100_000)
GET_TARGETS = 100_000  # keys of a run, picked at random; the same number for each size
PAGE_KEYS = 1_000
EDGE_PAGES = 100  # first and last pages that are compared
DISK_BYTES_PER_KEY = 24 * 1024  # three copies of 4 KiB and as much again while tables are merged
SETTLED_SHARE = 0.02  # of one core: a server at rest
SETTLE_SECONDS_MAX = 180
ENDS_ALIKE = 1.2  # the last pages may cost so many times what the first did
SEED = 20

_KEY = re.compile(rb"<Key>([^<]*)</Key>")
_NEXT = re.compile(rb"<NextContinuationToken>([^<]*)</NextContinuationToken>")

NAMES = ("list", "list-ends", "put-growth", "get-growth")


class Stored:
    """A server that holds `count` keys, and the requests that are made of it."""

    def __init__(self, setting, server, count, bodies):
        self.server, self.count, self.bodies = server, count, bodies
        self.wrk = Wrk(server.folder)
        self.filler = bodies.file(server.folder)
        setting.say(f"storing {count:,} keys")
        client.fill(server, map(key_of, range(count)), bodies.of,
                    progress=lambda done: done % 100_000 == 0 and setting.say(f"  {done:,}"))
        self.random = random.Random(SEED)
        self.gets = server.folder / "gets"
        self.puts = server.folder / "puts"
        write_get_list(self.gets, [server.target("GET", key_of(n)) for n in self._some(GET_TARGETS)])
        write_put_lists(self.puts, server,
                        map(key_of, self._some(PUTS_PER_SECOND_MAX * setting.seconds)))

    def _some(self, count):
        return (self.random.randrange(self.count) for _ in range(count))

    def settle(self):
        """Waits until flushes and merges of the index are done. Gives the processor time of that."""
        pids = [self.server.pid]
        first = before = cpu_seconds(pids)
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while time.monotonic() < deadline:
            time.sleep(1)
            now = cpu_seconds(pids)
            if now - before <= SETTLED_SHARE:
                return now - first
            before = now
        raise BenchError(f"a server with {self.count:,} keys was still busy by itself after "
                         f"{SETTLE_SECONDS_MAX} s")

    def get(self, seconds):
        return self.wrk.get(self.server.host, [self.server.pid], self.gets, CONNECTIONS, seconds,
                            SMALL_BYTES)[1]

    def put(self, seconds):
        """The sample knows the server's processor time per PUT with the merges that came after."""
        sample = self.wrk.put(self.server.host, [self.server.pid], self.puts, f"/{BUCKET}/",
                              self.filler, SMALL_BYTES, CONNECTIONS, seconds)[1]
        after = self.settle() * 1e6 / sample.operations
        sample.extra["server_cpu_us_with_merges_after"] = sample.server_cpu_us + after
        return sample


def run(setting, wanted):
    sizes = QUICK_SIZES if setting.quick else SIZES
    grow = bool(wanted & {"put-growth", "get-growth"})
    if not grow:
        sizes = sizes[-1:]
    setting.need(sum(sizes) * DISK_BYTES_PER_KEY)
    rows = []
    with contextlib.ExitStack() as stack:
        bodies = SmallBodies()
        stored = []
        for count in sizes:
            server = stack.enter_context(
                setting.server(f"stored-{count}"))
            stored.append(Stored(setting, server, count, bodies))
        for one in stored:
            one.settle()
        if wanted & {"list", "list-ends"}:
            rows += [row for row in listing(setting, stored[-1]) if row.name in wanted]
        if "get-growth" in wanted:
            rows.append(get_growth(setting, stored))
        if "put-growth" in wanted:
            rows.append(put_growth(setting, stored))
    return rows


def parse_page(body):
    """(keys, continuation token or None) of a ListObjectsV2 answer; keys here need no unescaping."""
    token = _NEXT.search(body)
    return [key.decode() for key in _KEY.findall(body)], token.group(1).decode() if token else None


def walk(server, connection):
    """Lists everything. Gives the keys and the server's processor time after each page."""
    keys, cpu, token = [], [cpu_seconds([server.pid])], None
    while True:
        more = f"list-type=2&max-keys={PAGE_KEYS}"
        if token:
            more = f"continuation-token={urllib.parse.quote(token, safe='')}&{more}"
        page, token = parse_page(connection.get(server.presigner.target("GET", f"/{BUCKET}", more)))
        keys += page
        cpu.append(cpu_seconds([server.pid]))
        if token is None:
            return keys, cpu


def ends_ratio(cpu, pages):
    """What the last pages cost, divided by what the first did."""
    first, last = cpu[pages] - cpu[0], cpu[-1] - cpu[-1 - pages]
    if first <= 0:
        raise BenchError("the first pages cost too little to be compared")
    return last / first


def listing(setting, stored):
    row = Row("list", f"LIST of {stored.count:,} keys, pages of {PAGE_KEYS:,}: CPU per key",
              "a limit", "keys/s", 10.0, at_least=False, reached_unit="us")
    ends = Row("list-ends", "LIST: the last pages against the first", "the first pages", "us/page",
               ENDS_ALIKE, at_least=False)
    row.notes.append("One client, page after page over one connection; every key came once and in "
                     "order. Server processor time over the whole walk, divided by the keys.")
    expected = sorted(map(key_of, range(stored.count)))
    pages = min(EDGE_PAGES, stored.count // PAGE_KEYS // 4)
    ends.notes.append(f"Server processor time of the last {pages} pages and of the first {pages}, in "
                      f"one walk. Ticks of 10 ms and noise are why {ENDS_ALIKE} counts as alike.")
    with client.Connection(stored.server.address) as connection:
        def walked(_):
            meter = Meter([stored.server.pid]).start()
            keys, cpu = walk(stored.server, connection)
            meter.stop()
            if keys != expected:
                raise BenchError(f"LIST gave {len(keys):,} keys, not the {len(expected):,} stored")
            sample = meter.sample(len(keys) / meter.seconds, len(keys))
            sample.extra = {"ratio": ends_ratio(cpu, pages),
                            "first_us": (cpu[pages] - cpu[0]) * 1e6 / pages,
                            "last_us": (cpu[-1] - cpu[-1 - pages]) * 1e6 / pages}
            return sample

        [row.ours] = setting.interleaved("LIST", walked)
    row.reached = stats.median_of(row.ours, "server_cpu_us")
    ends.reached = statistics.median(stats.extra_of(row.ours, "ratio"))
    ends.ours = [_page_cost(sample, "last_us", pages) for sample in row.ours]
    ends.other = [_page_cost(sample, "first_us", pages) for sample in row.ours]
    return [row, ends]


def _page_cost(sample, name, pages):
    return stats.Sample(value=sample.extra[name], operations=pages, others_share=sample.others_share,
                        steal_share=sample.steal_share)


def _growth(name, what, sizes):
    row = Row(name, f"{what} with {sizes[-1]:,} keys stored", f"itself with {sizes[0]:,}", "ops/s", 0.8)
    row.notes.append(f"Servers with {', '.join(f'{n:,}' for n in sizes)} keys of 4 KiB in turn, each at "
                     f"rest before its run; keys picked at random. What was reached is the lower of "
                     "the larger two against the smallest.")
    return row


def _finish(row, samples):
    """samples: a list for each size. The worst of the larger sizes is what was reached."""
    ratios = [stats.ratio_of_pairs(larger, samples[0]) for larger in samples[1:]]
    row.reached = min(ratios)
    row.ours, row.other = samples[-1], samples[0]
    row.details["ops_per_second"] = [stats.median_of(one, "value") for one in samples]
    row.details["server_cpu_us"] = [stats.median_of(one, "server_cpu_us") for one in samples]
    row.details["ratios_to_the_smallest"] = ratios
    row.notes.append("By size: " + "; ".join(
        f"{size:,} keys {rate:,.0f} ops/s, {cpu:.0f} us" for size, rate, cpu in
        zip(row.details["sizes"], row.details["ops_per_second"], row.details["server_cpu_us"])) + ".")
    return row


def _grow(setting, row, what, stored, measure):
    row.details["sizes"] = [one.count for one in stored]
    samples = setting.interleaved(what, *[lambda _, one=one: measure(one) for one in stored])
    for one in stored:
        check_bodies(one.server, map(key_of, range(CHECKED_KEYS)), one.bodies)
    return _finish(row, samples)


def get_growth(setting, stored):
    row = _growth("get-growth", "GET 4 KiB", [one.count for one in stored])
    row.notes.append("Files are as the page cache has them after the keys were stored.")
    return _grow(setting, row, "GET as keys grow", stored, lambda one: one.get(setting.seconds))


def put_growth(setting, stored):
    row = _growth("put-growth", "PUT 4 KiB", [one.count for one in stored])
    row.notes.append("Keys that exist are written again, so that their number stays.")
    return _grow(setting, row, "PUT as keys grow", stored, lambda one: one.put(setting.seconds))
