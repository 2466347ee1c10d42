"""The server's own counts, from its /metrics page."""

import re
import urllib.request

TIMEOUT_SECONDS = 30
_SAMPLE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def parse(text):
    """[(name, labels, value)] of a page in Prometheus' text format."""
    out = []
    for line in text.splitlines():
        match = _SAMPLE.fullmatch(line)
        if match and not line.startswith("#"):
            out.append((match[1], dict(_LABEL.findall(match[2] or "")), float(match[3])))
    return out


def fetch(url):
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
        return parse(answer.read().decode())


def requests(samples):
    """How many requests of which kind were served, such as "S3 GetObject 200", "Website GET 200" and "NBD write"."""
    out = {}
    for name, labels, value in samples:
        if name == "strata_http_requests_total" and labels.get("wire") == "s3":
            out[f"S3 {labels['operation']} {labels['status']}"] = value
        elif name == "strata_http_requests_total" and labels.get("wire") == "website":
            out[f"{labels['operation']} GET {labels['status']}"] = value
        elif name == "strata_nbd_requests_total":
            out[f"NBD {labels['op']}"] = value
    return out
