"""Numbers as people read them, and where in the report's data each comes from."""

import html


def at(report, path):
    """The value at a path such as rows/0/verdict/winner."""
    value = report
    for step in path.split("/"):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def rate(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def time(microseconds):
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:.2f} s"
    if microseconds >= 1000:
        milliseconds = microseconds / 1000
        return f"{milliseconds:.0f} ms" if milliseconds >= 100 else f"{milliseconds:.1f} ms"
    return f"{microseconds:.0f} us"


def milliseconds(value):
    return time(value * 1000)


def throughput(value):
    return f"{value / 1e6:,.0f} MB/s" if value >= 1e7 else f"{value / 1e6:.1f} MB/s"


def dollars(value):
    return f"${value:,.0f}" if value >= 1000 else f"${value:,.2f}"


def times(value):
    return f"{value:,.0f} x" if value >= 100 else f"{value:.1f} x"


def share(value):
    return f"{value:.0%}"


FORMATS = {"rate": rate, "time": time, "milliseconds": milliseconds, "throughput": throughput,
           "dollars": dollars, "times": times, "share": share}


def plain(report, path, form):
    value = at(report, path)
    return "-" if value is None else FORMATS[form](value)


def marked(report, path, form):
    """For the page: the number, with the place in report.json that it is from; a test looks it up."""
    value = at(report, path)
    if value is None:
        return "-"
    return (f'<data value="{value!r}" data-from="{html.escape(path)}" data-form="{form}">'
            f"{html.escape(FORMATS[form](value))}</data>")
