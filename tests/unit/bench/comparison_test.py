"""strata compare without a server: what fio says, what is kept, what is reckoned, what is shown."""

import asyncio
import dataclasses
import html.parser
import json
import pathlib
import random
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from bench.common.processes import BenchError  # noqa: E402
from bench.compare import against, command, costs, fio, lesson, markdown, metrics  # noqa: E402
from bench.compare import numbers, results, slow_s3  # noqa: E402
from bench.compare.model import KIB, OBJECT, VOLUME, Load, Measurement, Point, Workload  # noqa: E402
from bench.compare.rows import ROWS  # noqa: E402
from bench.compare.store import Store  # noqa: E402
from bench.compare.targets import Bucket, Disk, Nbd  # noqa: E402

try:
    import matplotlib  # noqa: F401
    CHARTS = True
except ImportError:
    CHARTS = False


def fio_json(ios=1000, rate=500.0, p99=2_000_000, flush=None):
    side = {"total_ios": ios, "iops": rate, "bw_bytes": rate * 4096, "io_bytes": ios * 4096,
            "lat_ns": {"mean": 1e6, "percentile": {"50.000000": 1_000_000, "99.000000": p99}}}
    none = {"total_ios": 0, "iops": 0, "bw_bytes": 0, "io_bytes": 0, "lat_ns": {"mean": 0}}
    return "fio: a warning\n" + json.dumps({"jobs": [{
        "error": 0, "read": none, "write": side, "sync": flush or {"total_ios": 0},
        "usr_cpu": 30, "sys_cpu": 20, "job_runtime": 2000}]})


class Stage:
    """Only what rows ask of a stage to name their points."""

    quick = True
    seconds = 1
    bucket = Bucket("h:1", "b", "key", "secret")

    def levels(self, decisive):
        return [1, decisive]

    def public(self):
        return True

    def ours(self, _side):
        return True


def fill(store, latency_ms=lambda side, operation: 1.0, runs=2, rows=ROWS):
    """Rows measured, with p99 as given."""
    store.begin({"quick": True, "rows": [], "runs": runs, "seconds": 1}, False)
    for row in rows:
        for point in row.points(Stage()):
            for run in range(1, runs + 1):
                p99 = latency_ms(point.side, point.load.operation) * 1000 * (1 + run / 100)
                store.put(row.name, point, run, Measurement(
                    operations=100, operations_per_second=1e6 / p99, bytes_per_second=4096e6 / p99,
                    latency_us={"50": p99 / 2, "99": p99, "99.9": p99 * 2}, latency_us_mean=p99 / 2,
                    client_cpu_us=10.5 + run, server_cpu_us=20.25 + run, storage_written_bytes=3.1,
                    requests={"S3 PutObject 200": 100}, seconds=1))
        store.note(f"{row.name}-facts", [{"name": "a second writer", "words": "is refused",
                                          "excludes": VOLUME}] if row.name == "sharing" else [])
    store.finish()
    return store


TYPES = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int,
         "boolean": bool, "null": type(None)}


def offences(value, rule, root, at="$"):
    """What of a value is not as a JSON Schema says: the keywords that report.schema.json uses."""
    if "$ref" in rule:
        rule = {**root["$defs"][rule["$ref"].rpartition("/")[2]], **rule}
    out = []
    types = rule.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(isinstance(value, TYPES[one]) for one in types):
        return [f"{at}: {value!r} is no {types}"]
    if "const" in rule and value != rule["const"] or "enum" in rule and value not in rule["enum"]:
        out.append(f"{at}: {value!r}")
    if isinstance(value, dict):
        out += [f"{at}: lacks {name}" for name in rule.get("required", []) if name not in value]
        for name, one in value.items():
            inner = rule.get("properties", {}).get(name, rule.get("additionalProperties"))
            if inner:
                out += offences(one, inner, root, f"{at}.{name}")
    if isinstance(value, list):
        if len(value) < rule.get("minItems", 0):
            out.append(f"{at}: is empty")
        for number, one in enumerate(value):
            out += offences(one, rule.get("items", {}), root, f"{at}[{number}]")
    return out


class Rows(unittest.TestCase):
    def test_each_names_its_points_once_in_both_forms_and_measures_what_it_needs(self):
        for quick in (True, False):
            stage = Stage()
            stage.quick = quick
            for row in ROWS:
                points = row.points(stage)
                self.assertEqual(len({point.id for point in points}), len(points), row.name)
                self.assertLessEqual({point.load for point in points if quick},
                                     {point.load for point in row.points(Stage())})
                for need in row.needs:
                    self.assertTrue(any(point.side == OBJECT and row.decides(point) for point in points))
                    self.assertIn(need.operation, {load.operation for load in row.loads})


class Fio(unittest.TestCase):
    def test_numbers_of_a_job_are_those_of_its_json(self):
        made = fio.parse(fio_json())
        self.assertEqual(made.operations_per_second, 500.0)
        self.assertEqual(made.latency_us, {"50": 1000.0, "99": 2000.0})
        self.assertEqual(made.client_cpu_us, 1000.0)  # half of 2 s over 1,000 operations

    def test_a_durable_write_is_the_write_and_its_flush(self):
        flush = {"total_ios": 1000, "lat_ns": {"mean": 5e5, "percentile": {"50.000000": 500_000,
                                                                        "99.000000": 700_000}}}
        made = fio.parse(fio_json(flush=flush), durable=True)
        self.assertEqual(made.latency_us, {"50": 1500.0, "99": 2700.0})
        self.assertEqual(made.latency_us_mean, 1500.0)

    def test_a_job_that_did_nothing_is_an_error(self):
        for text in ("", "nothing", "{broken", fio_json(ios=0)):
            with self.assertRaises(BenchError):
                fio.parse(text)

    def test_a_secret_is_not_in_the_job_file(self):
        job = Bucket("h:1", "b", "key", "very-secret").job(Load("o", "", "randread", KIB), 4, 1, 8)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "x.fio")
            fio.write_job_file(path, "x", job)
            self.assertNotIn("very-secret", path.read_text())
            self.assertIn("http_s3_key=${http_s3_key}", path.read_text())

    def test_both_halves_have_the_same_number_under_way(self):
        load = Load("w", "", "randwrite", 4 * KIB, durable=True)
        for blocks in (Nbd("nbd://x"), Disk("/x")):
            options = blocks.job(load, 8, 1, 1 << 20).options
            self.assertEqual(options["numjobs"] * options["iodepth"], 8)
            self.assertEqual(options["fsync"], 1)
        plain = Disk("/x").job(dataclasses.replace(load, durable=False), 8, 1, 1 << 20).options
        self.assertEqual(plain["numjobs"] * plain["iodepth"], 8)
        self.assertNotIn("fsync", plain)


class SlowS3(unittest.TestCase):
    def test_delays_have_the_median_and_the_tail_that_were_asked_for(self):
        choose = random.Random(7)
        drawn = sorted(slow_s3.delay_seconds(30, 200, choose) for _ in range(20_000))
        self.assertAlmostEqual(drawn[10_000], 0.030, delta=0.002)
        self.assertAlmostEqual(drawn[19_800], 0.200, delta=0.02)

    def test_each_answer_is_held_back_once_and_nothing_is_changed(self):
        async def echo(reader, writer):
            while data := await reader.read(100):
                writer.write(data.upper())
            writer.close()

        async def talk():
            drawn = []
            upstream = await asyncio.start_server(echo, "127.0.0.1", 0)
            port = upstream.sockets[0].getsockname()[1]
            server = await slow_s3.serve(f"127.0.0.1:{port}", lambda: drawn.append(1) or 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            answers = []
            for word in (b"one", b"two"):
                writer.write(word)
                answers.append(await asyncio.wait_for(reader.readexactly(3), 60))
            writer.close()
            server.close()
            upstream.close()
            return answers, drawn
        self.assertEqual(asyncio.run(talk()), ([b"ONE", b"TWO"], [1, 1]))


class Metrics(unittest.TestCase):
    def test_requests_are_counted_by_wire(self):
        page = ('# HELP x\nstrata_http_requests_total{operation="PutObject",status="200",wire="s3"} 7\n'
                'strata_http_requests_total{operation="Control",status="200",wire="control"} 9\n'
                'strata_nbd_requests_total{op="write"} 3\nstrata_volumes 1\n')
        self.assertEqual(metrics.requests(metrics.parse(page)), {"S3 PutObject 200": 7, "NBD write": 3})


class Costs(unittest.TestCase):
    def setUp(self):
        self.prices = costs.load()

    def test_every_price_has_a_date_and_a_source(self):
        for name, entry in self.prices.items():
            if name != "rules":
                self.assertTrue(entry["as_of"] and entry["source"].startswith("https://"), name)

    def test_a_month_is_storage_and_requests(self):
        work = Workload("", 1000, 10e6, 1e6)
        made = costs.reckon(self.prices, work)
        self.assertAlmostEqual(made["per_month"]["object"], 23 + 5 + 4)
        self.assertAlmostEqual(made["per_month"]["volume"], 1000 / 0.7 * 0.08)

    def test_at_the_break_even_rate_both_cost_the_same(self):
        work = Workload("", 1000, 10e6, 1e6)
        rate = costs.break_even_per_second(self.prices, work)
        month = rate * costs.SECONDS_A_MONTH
        one = sum(costs.object_month(self.prices, work, month * 10 / 11, month / 11).values())
        two = sum(costs.volume_month(self.prices, work, month * 10 / 11, month / 11).values())
        self.assertAlmostEqual(one, two, places=3)


class Kept(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = pathlib.Path(folder.name)
        self.store = Store(self.out)
        self.point = Point(Load("o", "", "randread", KIB), OBJECT, 1, None)

    def test_an_interrupted_run_goes_on(self):
        self.assertFalse(self.store.begin({"runs": 2}, False))
        self.store.put("r", self.point, 1, Measurement(operations=1))
        self.assertTrue(Store(self.out).begin({"runs": 2}, False))
        self.assertTrue(self.store.has("r", "o-object-1", 1))
        self.assertFalse(self.store.has("r", "o-object-1", 2))

    def test_an_interrupted_run_is_not_mixed_with_another(self):
        self.store.begin({"runs": 2}, False)
        self.store.put("r", self.point, 1, Measurement(operations=1))
        with self.assertRaises(BenchError):
            self.store.begin({"runs": 3}, False)
        self.assertFalse(self.store.begin({"runs": 3}, True))
        self.assertFalse(self.store.has("r", "o-object-1", 1))

    def test_a_finished_run_is_measured_anew(self):
        self.store.begin({"runs": 2}, False)
        self.store.put("r", self.point, 1, Measurement(operations=1))
        self.store.finish()
        self.assertFalse(self.store.begin({"runs": 2}, False))
        self.assertFalse(self.store.has("r", "o-object-1", 1))


class Data(html.parser.HTMLParser):
    """The marked numbers of a page."""

    def __init__(self, text):
        super().__init__()
        self.found, self.now = [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.now = dict(attributes) if tag == "data" else None

    def handle_data(self, data):
        if self.now:
            self.found.append((self.now["data-from"], self.now["data-form"], float(self.now["value"]), data))
            self.now = None


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = pathlib.Path(folder.name)
        self.store = Store(self.out)

    def test_every_row_is_judged(self):
        report = results.report(fill(self.store))
        self.assertEqual([row["name"] for row in report["rows"]], [row.name for row in ROWS])
        for row in report["rows"]:
            self.assertIn(row["verdict"]["winner"], (OBJECT, VOLUME, "tie"), row["name"])
            self.assertTrue(row["verdict"]["steps"])

    def test_a_slow_half_loses_the_rows_that_it_won(self):
        def winners(slow):
            with tempfile.TemporaryDirectory() as folder:
                made = results.report(fill(Store(pathlib.Path(folder)),
                                           lambda side, _: 5000 if side == slow else 1))
            return [row["verdict"]["winner"] for row in made["rows"]]
        self.assertEqual(set(winners(OBJECT)), {VOLUME, "neither"})  # sharing has no other half
        self.assertEqual(set(winners(VOLUME)), {OBJECT})

    def test_medians_are_those_of_the_runs(self):
        report = results.report(fill(self.store, runs=3))
        point = report["rows"][0]["contests"][0]["points"][0]
        raw = json.loads((self.out / point["runs"][1]["raw"]).read_text())
        self.assertEqual(point["latency_us"]["99"]["median"], raw["latency_us"]["99"])
        self.assertEqual(len(point["runs"]), 3)

    def test_a_point_that_failed_is_told_with_its_reason(self):
        fill(self.store)
        row = ROWS[-1]
        for point in row.points(Stage()):
            if point.side == OBJECT:
                for run in (1, 2):
                    self.store.put(row.name, point, run, Measurement(failed="Input/output error"))
        report = results.report(self.store)
        self.assertEqual(report["rows"][-1]["verdict"]["winner"], VOLUME)
        self.assertIn("Input/output error", " ".join(report["rows"][-1]["verdict"]["steps"]))

    def test_disturbed_runs_are_marked(self):
        fill(self.store)
        point = ROWS[0].points(Stage())[0]
        self.store.put(ROWS[0].name, point, 1, Measurement(operations=1, others_share=0.5))
        report = results.report(self.store)
        self.assertFalse(report["rows"][0]["trusted"])
        self.assertTrue(report["rows"][1]["trusted"])
        self.assertIn("not to be trusted", markdown.render(report))
        self.assertIn("machine busy", markdown.summary(report)[2])
        self.assertNotIn("machine busy", markdown.summary(report)[3])

    def test_two_runs_are_told_apart_only_beyond_their_noise(self):
        with tempfile.TemporaryDirectory() as folder:
            other = results.report(fill(Store(pathlib.Path(folder))))
        ours = results.report(fill(self.store, lambda side, _: 3 if side == OBJECT else 1))
        told = {(point.split("-")[-2], what): differs
                for _, point, what, _, _, differs in against.compare(ours, other)}
        self.assertTrue(told["object", "p99"])
        self.assertFalse(told["volume", "p99"])

    @unittest.skipUnless(CHARTS, "python3-matplotlib is not installed: the page was not drawn")
    def test_every_number_of_the_page_is_in_the_report(self):
        rows = (ROWS[0], ROWS[5])  # drawing takes its time
        fill(self.store, rows=rows)
        command.render(self.store, self.out)
        report = json.loads((self.out / "report.json").read_text())
        text = (self.out / "report.html").read_text()
        found = Data(text).found
        self.assertGreater(len(found), 100)
        for path, form, value, shown in found:
            self.assertEqual(numbers.at(report, path), value)
            self.assertEqual(numbers.FORMATS[form](value), shown)
        self.assertEqual(text.count("<svg"), text.count("</svg>"))
        self.assertGreater(text.count("<svg"), 4 * len(rows) - 1)
        for outside in ("http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"):
            text = text.replace(outside, "")
        self.assertNotIn("<script", text)
        self.assertNotIn('src="', text)
        self.assertNotIn("url(http", text)

    def test_the_json_is_as_its_schema_says(self):
        fill(self.store)
        schema = json.loads((ROOT / "bench/compare/report.schema.json").read_text())
        report = json.loads(json.dumps(results.report(self.store)))
        self.assertEqual(offences(report, schema, schema), [])
        report["rows"][0]["contests"][0]["points"][0]["side"] = "tape"
        del report["rows"][1]["verdict"]["steps"]
        self.assertEqual(len(offences(report, schema, schema)), 2)

    def test_the_lesson_gets_its_tables_and_keeps_its_words(self):
        text = lesson.FILE.read_text()
        for part in lesson.PARTS:
            self.assertEqual(text.count(f"<!-- generated: {part} -->"), 1)
        made = lesson.fill(text, results.report(fill(self.store)))
        self.assertEqual(lesson.fill(made, results.report(self.store)), made)
        self.assertIn("**object**", made)
        outside = re.compile(r"<!-- generated: .*?<!-- end -->", re.S)
        self.assertEqual(outside.sub("", made), outside.sub("", text))
        with self.assertRaises(BenchError):
            lesson.fill("<!-- generated: prophecy -->\n<!-- end -->", {})

    def test_a_folder_without_a_run_is_refused(self):
        with self.assertRaises(BenchError):
            results.report(self.store)


if __name__ == "__main__":
    unittest.main(verbosity=2)
