"""report.html: one file that opens from disk, without scripts and without a network."""

import html
import pathlib

from bench.compare import charts, words
from bench.compare.numbers import marked

_TITLE = "Object or block?"
_LEAD = ("Object storage keeps whole files by name and hands them out over HTTP; block storage is a disk that one "
         "machine overwrites in place. Lessons say which to take for what. Here each line of that table was "
         "tried on this machine: the same job on an S3-compatible object server and on a block volume, which "
         "are the two halves of one program, Strata, on the same disk and with the same promise: what is "
         "acknowledged is flushed.")


COUNTED_MIN = 0.01  # requests per operation: fewer are somebody else's


def _text(value):
    return html.escape(str(value))


def _list(items):
    return "<ul>" + "".join(f"<li>{_text(item)}</li>" for item in items) + "</ul>"


def _table(heads, rows, style=""):
    """rows: lists of cells, each HTML; heads stand beside the cells on a phone."""
    head = "".join(f"<th>{_text(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f'<td data-label="{_text(heads[i])}"><span>{cell}</span></td>'
                                    for i, cell in enumerate(row)) + "</tr>" for row in rows)
    return (f'<div class="wide"><table class="{style}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
            "</table></div>")


class Page:
    def __init__(self, report):
        self.report = report

    def number(self, path, form):
        return marked(self.report, path, form)

    def _deciding(self, number, side):
        path = words.deciding_path(self.report, number, side)
        return self.number(path, "time") if path else "-"

    def summary(self):
        rows = []
        for number, row in enumerate(self.report["rows"]):
            verdict = row["verdict"]
            good = {True: "yes", False: "no", None: ""}[verdict["agrees"]]
            rows.append([
                f'<a href="#{row["name"]}">{_text(row["need"])}</a>', _text(row["conventional_words"]),
                f'<span class="{verdict["winner"]}">{_text(words.winner(verdict))}</span>',
                f'<span class="{good}">{_text(words.agreement_of(row))}</span>',
                self._deciding(number, "object"), self._deciding(number, "volume"),
                self.number(f"rows/{number}/costs/per_month/object", "dollars"),
                self.number(f"rows/{number}/costs/per_month/volume", "dollars")])
        return _table(["need", "the table says", "measured verdict", "", "object p99", "volume p99",
                       "object $/month", "volume $/month"], rows, "cards")

    def warnings(self):
        busy = words.busy(self.report)
        out = ""
        if busy:
            out += (f'<p class="warning">Other programs kept this machine busy during the rows '
                    f'{_text(", ".join(busy))}: their numbers are not to be trusted. Run again when it is '
                    "quiet.</p>")
        if not charts.available():
            out += ('<p class="warning">The charts are left out: python3-matplotlib is not installed. '
                    "With it, strata compare --render DIR draws them.</p>")
        if not self.report["settings"].get("finished", True):
            out += '<p class="warning">This run was interrupted: rows or runs are missing.</p>'
        return out

    def _range(self, at, runs):
        """The median; the range too if there is more than one run."""
        out = self.number(f"{at}/median", "rate")
        if runs > 1:
            out += f" ({self.number(f'{at}/min', 'rate')} to {self.number(f'{at}/max', 'rate')})"
        return out

    def _points(self, number, c):
        contest = self.report["rows"][number]["contests"][c]
        rows = []
        for p, point in enumerate(contest["points"]):
            at = f"rows/{number}/contests/{c}/points/{p}"
            name = f'<span class="{point["side"]}">{words.SIDE_NAMES[point["side"]]}</span>'
            if point["failed"]:
                rows.append([name, str(point["concurrency"]), _text(point["failed"])] + ["-"] * 6)
                continue
            rows.append([
                name, str(point["concurrency"]),
                self._range(f"{at}/operations_per_second", len(point["runs"])),
                self.number(f"{at}/bytes_per_second/median", "throughput"),
                *(self.number(f"{at}/latency_us/{name}/median", "time")
                  + ("&nbsp;*" if point["few"] and name != "50" else "")
                  if name in point["latency_us"] else "-" for name in ("50", "99", "99.9")),
                self.number(f"{at}/server_cpu_us/median", "time") if point["server_cpu_us"] else "-",
                self.number(f"{at}/client_cpu_us/median", "time") if point["client_cpu_us"] else "-",
                self.number(f"{at}/storage_written_bytes/median", "times")
                if point["storage_written_bytes"] else "-"])
        return _table(["", "under way", "operations/s (range)", "throughput", "p50", "p99", "p99.9",
                       "server CPU", "client CPU", "bytes to disk per byte written"], rows, "cards")

    def _contest(self, number, c):
        contest = self.report["rows"][number]["contests"][c]
        need = contest["need"]
        told = ""
        if need:
            told = (f"<p>The row needs it within "
                    f"{self.number(f'rows/{number}/contests/{c}/need/latency_ms_p99_max', 'milliseconds')} "
                    f"(p99) with {need['concurrency']} under way.</p>")
        notes = sorted({f"{words.SIDE_NAMES[p['side']]}: {p['note']}" for p in contest["points"]
                        if p["note"]})
        drawn = ""
        if charts.available() and any(not point["failed"] for point in contest["points"]):
            drawn = "".join(f"<figure>{draw(contest)}</figure>"
                            for draw in (charts.throughput, charts.latency, charts.processor))
        return (f"<h3>{_text(contest['title'])}</h3>{told}{_list(notes) if notes else ''}"
                f'{self._points(number, c)}{self._footnotes(number, c)}<div class="charts">{drawn}</div>')

    def _footnotes(self, number, c):
        """What the servers counted, and which percentiles are of too few."""
        contest = self.report["rows"][number]["contests"][c]
        out = []
        if any(point["few"] and not point["failed"] for point in contest["points"]):
            out.append("* Fewer than 100 operations: this is about the slowest of them.")
        for p, point in enumerate(contest["points"]):
            counted = point["requests_per_operation"]
            wanted = contest["need"] and point["concurrency"] == contest["need"]["concurrency"]
            if counted and wanted:
                at = f"rows/{number}/contests/{c}/points/{p}/requests_per_operation"
                out.append(f"The server counted for each operation ({words.SIDE_NAMES[point['side']]}): "
                           + ", ".join(f"{_text(name)} {self.number(f'{at}/{name}', 'rate')}"
                                       for name in counted if counted[name] >= COUNTED_MIN) + ".")
        return "".join(f'<p class="small">{one}</p>' for one in out)

    def _money(self, number):
        row = self.report["rows"][number]
        prices, costs = self.report["prices"], row["costs"]
        parts = [[_text(f"{side}: {part}"), self.number(f"rows/{number}/costs/parts/{side}/{part}", "dollars")]
                 for side, some in costs["parts"].items() for part in some]
        parts += [[f"<b>{side}</b>", self.number(f"rows/{number}/costs/per_month/{side}", "dollars")]
                  for side in costs["per_month"]]
        used = ", ".join(f"{prices[prices['rules'][side]]['name']} ({prices[prices['rules'][side]]['as_of']})"
                         for side in ("object", "volume"))
        even = "At no rate of these requests do both cost the same."
        if costs["break_even_per_second"] is not None:
            even = ("Both would cost the same at "
                    + self.number(f"rows/{number}/costs/break_even_per_second", "rate")
                    + f" requests a second of this mix; with fewer the {costs['cheaper_below']} half is "
                      "cheaper.")
        return (f"<h3>Dollars</h3><p>{_text(costs['workload'])}: that is "
                f"{self.number(f'rows/{number}/costs/rate_per_second', 'rate')} requests a second on average. "
                f"List prices of {_text(used)}.</p>"
                f'<div class="charts"><div>{_table(["a month", "cost"], parts)}<p>{even}</p></div>'
                f"{f'<figure>{charts.money(row)}</figure>' if charts.available() else ''}</div>")

    def section(self, number):
        row = self.report["rows"][number]
        verdict, cloud = row["verdict"], row["cloud"]
        facts = [f"{fact['name']}: {fact['words']}" for fact in row["facts"]]
        out = (f'<section><h2 id="{row["name"]}">{_text(row["need"])}</h2><p>{_text(row["question"])}</p>'
               f'<div class="verdict {verdict["winner"]}"><b>Verdict: {_text(words.winner(verdict))}</b> '
               f'({_text(words.agreement(verdict))}: {_text(row["conventional_words"])}).'
               f"{_list(verdict['steps'])}</div>")
        if not row["trusted"]:
            share = self.number(f"rows/{number}/busy_share", "share")
            out += f'<p class="warning">Others used {share} of the processor during most runs of a point: not to be trusted.</p>'
        out += f"<h3>What was run</h3>{_list([*row['what'], 'Held equal: ' + ', '.join(row['held_equal']) + '.'])}"
        if facts:
            out += f"<h3>What was seen</h3>{_list(facts)}"
        out += "".join(self._contest(number, c) for c in range(len(row["contests"])))
        out += self._money(number)
        names = cloud["services"]
        out += (f"<h3>With the cloud's own latency</h3><p>If {_text(names['object'])} and "
                f"{_text(names['volume'])} added the time that they are known for "
                f"({self.number(f'rows/{number}/cloud/added_ms/object', 'milliseconds')} and "
                f"{self.number(f'rows/{number}/cloud/added_ms/volume', 'milliseconds')} at p99), the verdict "
                f"would be <b>{_text(words.winner(cloud))}</b>.</p>")
        return out + f"<h3>What this cannot show</h3>{_list(row['limits'])}</section>"

    def end(self):
        prices = self.report["prices"]
        sources = [[_text(entry["name"]), _text(entry["as_of"]),
                    f'<span class="small">{_text(entry["source"])}</span>']
                   for entry in prices.values() if "source" in entry]
        return ("<section><h2>How it is decided</h2><ol>"
                + "".join(f"<li>{_text(one)}</li>" for one in self.report["rule"]) + "</ol>"
                + "<h2>What the numbers belong to</h2>" + _list(words.conditions(self.report))
                + "<h2>What this machine cannot show</h2>" + _list(words.LIMITS)
                + "<h2>Prices</h2>" + _table(["service", "as of", "source"], sources)
                + '<p class="small">Every number here is in report.json, and each run of it in raw/, beside the '
                  "load tool's own output.</p></section>")

    def whole(self):
        style = pathlib.Path(__file__).with_name("page.css").read_text()
        sections = "".join(self.section(number) for number in range(len(self.report["rows"])))
        return ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
                '<meta name="viewport" content="width=device-width, initial-scale=1">'
                f"<title>{_TITLE}</title><style>{style}</style></head><body>"
                f'<h1>{_TITLE}</h1><p class="lead">{_text(_LEAD)}</p>{self.warnings()}{self.summary()}'
                f"{sections}{self.end()}</body></html>\n")


def render(report):
    return Page(report).whole()
