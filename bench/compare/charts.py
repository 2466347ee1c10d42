"""The pictures, drawn by matplotlib as SVG that stands in the page: text stays text, colours are those of the
page (light, dark, printed)."""

import importlib.util
import io
import re

from bench.compare.model import OBJECT, RAW, VOLUME

# Drawn in colours that stand for the page's variables, which replace them in the SVG.
INK, FAINT, PAPER = "#010203", "#010204", "#010205"
COLOURS = {OBJECT: "#010206", VOLUME: "#010207", RAW: "#010208"}
VARIABLES = {INK: "--ink", FAINT: "--faint", PAPER: "--paper", COLOURS[OBJECT]: "--object",
             COLOURS[VOLUME]: "--volume", COLOURS[RAW]: "--raw"}
MARKERS = {OBJECT: "o", VOLUME: "s", RAW: "^"}
DASHES = {OBJECT: "-", VOLUME: "--", RAW: ":"}
NAMES = {OBJECT: "object", VOLUME: "volume", RAW: "raw file"}
DECADES_OF_FEW_TICKS = 300  # an axis that spans less gets 1, 2 and 5 of each power of ten
WIDTH_INCHES, HEIGHT_INCHES = 4.6, 3.0


def available():
    """Whether there is something to draw with."""
    return importlib.util.find_spec("matplotlib") is not None


def _matplotlib():
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams.update({
        "svg.fonttype": "none", "svg.hashsalt": "strata", "font.family": "sans-serif", "font.size": 9,
        "text.color": INK, "axes.edgecolor": FAINT, "axes.labelcolor": INK, "xtick.color": INK,
        "ytick.color": INK, "grid.color": FAINT, "grid.linewidth": 0.4, "axes.grid": True,
        "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
        "legend.frameon": False, "legend.loc": "best", "axes.formatter.use_mathtext": False,
        "figure.facecolor": "none", "axes.facecolor": "none"})
    from matplotlib.figure import Figure
    return Figure


def _ticker():
    from matplotlib import ticker
    return ticker


class Chart:
    """One picture: axes to draw on, then its SVG. `label` is what a screen reader says."""

    def __init__(self, title, x, y, label):
        self.figure = _matplotlib()(figsize=(WIDTH_INCHES, HEIGHT_INCHES))
        # Fixed margins: reckoning them from the texts takes longer than all the drawing.
        self.axes = self.figure.add_axes((0.19, 0.17, 0.78, 0.72))
        self.axes.set_title(title, fontsize=9.5, loc="left", y=1.02)
        self.axes.set_xlabel(x)
        self.axes.set_ylabel(y)
        self.label = label

    def logarithmic(self, *names):
        """After all is drawn. Powers of ten, written out; without the many small ticks, which cost more than all the rest."""
        for name in names:
            getattr(self.axes, f"set_{name}scale")("log")
            axis = getattr(self.axes, f"{name}axis")
            axis.set_minor_locator(_ticker().NullLocator())
            least, most = getattr(self.axes, f"get_{name}lim")()
            if most < least * DECADES_OF_FEW_TICKS:
                axis.set_major_locator(_ticker().LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(_ticker().FuncFormatter(lambda value, _: f"{value:,g}"))

    def svg(self):
        text = io.StringIO()
        self.figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        return embedded(text.getvalue(), self.label)


_serial = [0]


def embedded(svg, label):
    """As it stands in the page: ids made unique, colours made the page's, size left to the page."""
    svg = svg[svg.index("<svg"):]
    _serial[0] += 1
    prefix = f"c{_serial[0]}-"
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{prefix}", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"font: ((?:[a-z]+ )*[\d.]+px) [^;\"]*", r"font: \1 system-ui, sans-serif", svg)
    head, rest = svg.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-label="{label}">{rest}'


def _draw(axes, side, x, y, **more):
    axes.plot(x, y, DASHES[side], color=COLOURS[side], marker=MARKERS[side], markersize=4, linewidth=1.6,
              label=NAMES[side], **more)


def _by_side(points):
    out = {}
    for point in points:
        if not point["failed"]:
            out.setdefault(point["side"], []).append(point)
    return out


def throughput(contest):
    chart = Chart("Operations a second, by operations under way", "under way", "operations/s",
                  f"Throughput against concurrency: {contest['title']}")
    for side, points in _by_side(contest["points"]).items():
        x = [point["concurrency"] for point in points]
        rates = [point["operations_per_second"] for point in points]
        y = [rate["median"] for rate in rates]
        _draw(chart.axes, side, x, y)
        chart.axes.vlines(x, [rate["min"] for rate in rates], [rate["max"] for rate in rates],
                          color=COLOURS[side], linewidth=1)
    levels = sorted({point["concurrency"] for point in contest["points"] if not point["failed"]})
    chart.logarithmic("x", "y")
    chart.axes.set_xticks(levels, [str(level) for level in levels])
    chart.axes.legend()
    return chart.svg()


def latency(contest):
    """The distribution at the number under way that decides: how many operations are done by when."""
    need = contest["need"]
    chart = Chart("Share of operations done within a time", "latency, ms (log)", "% done",
                  f"Latency distribution: {contest['title']}")
    for side, points in _by_side(contest["points"]).items():
        point = (next((p for p in points if need and p["concurrency"] == need["concurrency"]), None)
                 or points[-1])
        names = list(point["latency_us"])
        x = [point["latency_us"][name]["median"] / 1000 for name in names]
        _draw(chart.axes, side, x, range(len(names)))
        chart.axes.set_yticks(range(len(names)), names)
    if need:
        chart.axes.axvline(need["latency_ms_p99_max"], color=INK, linewidth=1)
        chart.axes.annotate("need (p99)", (need["latency_ms_p99_max"], 0), rotation=90, fontsize=8,
                            ha="right", va="bottom")
    chart.logarithmic("x")
    least, most = chart.axes.get_xlim()
    chart.axes.set_xlim(least / 3, most * 1.5)  # room for the legend, and for the need
    chart.axes.legend(loc="upper left")
    return chart.svg()


def processor(contest):
    chart = Chart("Processor time of one operation", "", "microseconds (log)",
                  f"Processor time per operation: {contest['title']}")
    bars = []
    for side, points in _by_side(contest["points"]).items():
        need = contest["need"]
        point = (next((p for p in points if need and p["concurrency"] == need["concurrency"]), None)
                 or points[-1])
        for part, field, hatch in (("client", "client_cpu_us", ""), ("server", "server_cpu_us", "//")):
            if point[field] and point[field]["median"] > 0:
                bars.append((f"{NAMES[side]}\n{part}", point[field]["median"], COLOURS[side], hatch))
    for number, (_, value, colour, hatch) in enumerate(bars):
        chart.axes.bar(number, value, color=colour if not hatch else "none", edgecolor=colour, hatch=hatch,
                       width=0.7)
    chart.axes.set_xticks(range(len(bars)), [bar[0] for bar in bars], fontsize=8)
    values = [bar[1] for bar in bars]
    chart.axes.set_ylim(min(values, default=1) / 2, max(values, default=1) * 2)
    chart.logarithmic("y")
    chart.axes.grid(axis="x", visible=False)
    return chart.svg()


def money(row):
    costs = row["costs"]
    chart = Chart("Cost of a month, by requests a second", "requests/s, mean (log)", "dollars a month (log)",
                  f"Cost per month by request rate: {row['need']}")
    rates = [one[0] for one in costs["curve"]]
    for column, side in ((1, OBJECT), (2, VOLUME)):
        _draw(chart.axes, side, rates, [one[column] for one in costs["curve"]])
    chart.axes.axvline(costs["rate_per_second"], color=INK, linewidth=1)
    chart.axes.annotate("this work", (costs["rate_per_second"], 1), rotation=90, fontsize=8, ha="right",
                        va="top", xycoords=("data", "axes fraction"))
    chart.logarithmic("x", "y")
    chart.axes.legend()
    return chart.svg()
