"""Independent processes that do one thing again and again and tell every latency: what the programs that
stand for a client have in common."""

import json
import multiprocessing
import pathlib
import sys
import time


def told(latencies, started, error):
    """What a worker puts into its queue at its end."""
    return {"latency_us": latencies, "seconds": time.monotonic() - started, "error": error,
            "cpu_seconds": time.process_time()}


def run(work, arguments, output, **more):
    """A process of `work` for each of the arguments, the queue being the last; OUTPUT gets what they told.
    The exit status: 1 if one of them failed."""
    results = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, daemon=True, args=(*own, results)) for own in arguments]
    for worker in workers:
        worker.start()
    answers = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    pathlib.Path(output).write_text(json.dumps({**more, "processes": answers}))
    errors = [one["error"] for one in answers if one["error"]]
    if errors:
        print(errors[0], file=sys.stderr)
    return 1 if errors else 0
