"""What a month of a row's work costs on each half, at the list prices of prices.toml."""

import pathlib
import tomllib

SECONDS_A_MONTH = 2_628_000
RATES_PER_SECOND = (0.01, 0.1, 1, 10, 100, 1000, 10000)


def load(path=None):
    path = path or pathlib.Path(__file__).with_name("prices.toml")
    return tomllib.loads(path.read_text())


PUT_CLASS = ("Put", "Copy", "Post", "List", "Create", "Complete", "Upload")
FREE = ("Delete", "Abort")


def priced_requests(per_operation):
    """(requests that are priced as a PUT, those priced as a GET) of one operation, of the server's count."""
    puts = gets = 0.0
    for name, count in per_operation.items():
        wire, _, operation = name.partition(" ")
        if wire not in ("S3", "Website") or operation.startswith(FREE):
            continue
        if operation.startswith(PUT_CLASS):
            puts += count
        else:
            gets += count
    return puts, gets


ONE_PUT = (1.0, 0.0)


def _rule(prices, what):
    return prices[prices["rules"][what]]


def object_month(prices, workload, reads, writes, each=ONE_PUT):
    """Dollars by what they are paid for. each: what priced_requests() says of one write."""
    price = _rule(prices, "object")
    put, get = price["put_per_million"] / 1e6, price["get_per_million"] / 1e6
    return {"storage": workload.stored_gb * price["gb_month"],
            "writes": writes * (each[0] * put + each[1] * get), "reads": reads * get}


def volume_month(prices, workload, reads, writes):
    price, rules = _rule(prices, "volume"), prices["rules"]
    peak = (reads + writes) / SECONDS_A_MONTH * rules["peak"]
    out = {"storage": workload.stored_gb / rules["fill"] * price["gb_month"],
           "operations": max(0.0, peak - price.get("iops_included", 0)) * price.get("iops_month", 0)}
    if workload.server:
        out["server"] = prices["server"]["month"]
    return out


def break_even_per_second(prices, workload, each=ONE_PUT):
    """The rate of the row's mix of requests at which both cost the same; None if one is always dearer.
    Between rates at which the volume's own operations cost nothing, both are straight lines."""
    total = workload.reads_per_month + workload.writes_per_month
    if not total:
        return None
    reads, writes = workload.reads_per_month / total, workload.writes_per_month / total

    def difference(rate):
        month = rate * SECONDS_A_MONTH
        return (sum(object_month(prices, workload, month * reads, month * writes, each).values())
                - sum(volume_month(prices, workload, month * reads, month * writes).values()))
    low, high = 0.0, 1e6
    if (difference(low) > 0) == (difference(high) > 0):
        return None
    for _ in range(60):
        middle = (low + high) / 2
        if (difference(middle) > 0) == (difference(low) > 0):
            low = middle
        else:
            high = middle
    return high


def curve(prices, workload, each=ONE_PUT):
    """[(requests a second, object dollars, volume dollars)] for the picture."""
    total = workload.reads_per_month + workload.writes_per_month
    out = []
    for rate in RATES_PER_SECOND:
        share = rate * SECONDS_A_MONTH / total
        reads, writes = share * workload.reads_per_month, share * workload.writes_per_month
        out.append((rate, sum(object_month(prices, workload, reads, writes, each).values()),
                    sum(volume_month(prices, workload, reads, writes).values())))
    return out


def reckon(prices, workload, each=ONE_PUT):
    """All that the report says of money."""
    reads, writes = workload.reads_per_month, workload.writes_per_month
    halves = {"object": object_month(prices, workload, reads, writes, each),
              "volume": volume_month(prices, workload, reads, writes)}
    line = curve(prices, workload, each)
    return {"workload": workload.words, "requests_per_write": {"put": each[0], "get": each[1]},
            "parts": halves,
            "per_month": {side: sum(parts.values()) for side, parts in halves.items()},
            "rate_per_second": (reads + writes) / SECONDS_A_MONTH,
            "break_even_per_second": break_even_per_second(prices, workload, each),
            "cheaper_below": "object" if line[0][1] < line[0][2] else "volume",
            "curve": line}
