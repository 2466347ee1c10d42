"""What package managers, mail servers and editors do to a filesystem: write a new file beside the old one,
flush it, rename it into place; now and then list the folder and delete the oldest.

    python3 -m bench.compare.small_files FOLDER SECONDS PROCESSES OUTPUT

A program of its own, so that a filesystem that hangs can be left behind. OUTPUT gets JSON: every latency.
"""

import os
import pathlib
import sys
import time

from bench.compare import workers

FILE_BYTES = 4096
KEPT_FILES = 64  # each process keeps so many and deletes older ones
LATENCIES_MAX = 1_000_000


def one(folder, number, content):
    """A file that appears whole or not at all, and is durable when this returns."""
    new, final = folder / f"{number}.new", folder / f"{number}.txt"
    with open(new, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(new, final)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # a mounted bucket has no folders to flush
    finally:
        os.close(descriptor)
    if number >= KEPT_FILES:
        (folder / f"{number - KEPT_FILES}.txt").unlink()


def work(folder, seconds, results):
    folder.mkdir(exist_ok=True)
    latencies, number, error = [], 0, None
    started = time.monotonic()
    try:
        while time.monotonic() - started < seconds and number < LATENCIES_MAX:
            begin = time.perf_counter_ns()
            one(folder, number, os.urandom(FILE_BYTES))
            latencies.append((time.perf_counter_ns() - begin) / 1000)
            number += 1
    except OSError as failure:
        error = str(failure)
    results.put(workers.told(latencies, started, error))


def main(folder, seconds, processes, output):
    return workers.run(work, [(pathlib.Path(folder) / f"w{number}", float(seconds))
                              for number in range(int(processes))], output, file_bytes=FILE_BYTES)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
