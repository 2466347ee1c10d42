"""Random reads inside one large object: GETs of a range, by independent processes over kept connections.

    python3 -m bench.compare.ranged_get HOST TARGET OBJECT-BYTES BLOCK-BYTES SECONDS PROCESSES OUTPUT

TARGET is a signed path. A program of its own, so that its processor time is the client's. OUTPUT gets JSON:
every latency. (fio's http engine of Debian 12 knows no ranges.)
"""

import http.client
import random
import sys
import time

from bench.compare import workers

TIMEOUT_SECONDS = 60


def work(host, target, object_bytes, block_bytes, seconds, results):
    connection = http.client.HTTPConnection(host, timeout=TIMEOUT_SECONDS)
    choose, latencies, error = random.Random(), [], None
    started = time.monotonic()
    try:
        while time.monotonic() - started < seconds:
            first = choose.randrange(object_bytes // block_bytes) * block_bytes
            begin = time.perf_counter_ns()
            connection.request("GET", target, headers={"Range": f"bytes={first}-{first + block_bytes - 1}"})
            answer = connection.getresponse()
            body = answer.read()
            latencies.append((time.perf_counter_ns() - begin) / 1000)
            if answer.status != 206 or len(body) != block_bytes:
                error = f"status {answer.status}, {len(body)} bytes"
                break
    except (OSError, http.client.HTTPException) as failure:
        error = str(failure)
    results.put(workers.told(latencies, started, error))


def main(host, target, object_bytes, block_bytes, seconds, processes, output):
    own = (host, target, int(object_bytes), int(block_bytes), float(seconds))
    return workers.run(work, [own] * int(processes), output)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:8]))
