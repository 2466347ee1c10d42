"""A cloud's first-byte time before our own object server: passes bytes on, and holds back the first byte of each
answer for a time drawn from a lognormal distribution with the given median and 99th percentile.

    python3 -m bench.compare.slow_s3 HOST:PORT MEDIAN-MS P99-MS PORT-FILE

Listens on loopback, writes its address into PORT-FILE, ends with SIGTERM. Bytes are not changed, so that
signatures hold.
"""

import asyncio
import math
import pathlib
import random
import signal
import sys

CHUNK_BYTES = 256 * 1024
Z_P99 = 2.326  # of the standard normal distribution
DELAY_SECONDS_MAX = 10


def delay_seconds(median_ms, p99_ms, choose):
    """One draw. choose: a random.Random."""
    sigma = math.log(p99_ms / median_ms) / Z_P99
    return min(DELAY_SECONDS_MAX, median_ms / 1000 * math.exp(sigma * choose.gauss(0, 1)))


class Exchange:
    """One connection: a new request has begun when the client sends after the server did."""

    def __init__(self, delay):
        self.delay, self.asked = delay, False

    async def pass_on(self, reader, writer, from_client):
        try:
            while data := await reader.read(CHUNK_BYTES):
                if from_client:
                    self.asked = True
                elif self.asked:
                    self.asked = False
                    await asyncio.sleep(self.delay())
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # the other side is told by the closing
        finally:
            writer.close()


async def serve(upstream, delay, port_file=None):
    """An asyncio server before `upstream`; its address goes into the file."""
    host, _, port = upstream.rpartition(":")

    async def connected(reader, writer):
        try:
            up_reader, up_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        exchange = Exchange(delay)
        await asyncio.gather(exchange.pass_on(reader, up_writer, True),
                             exchange.pass_on(up_reader, writer, False))
    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=1024)
    if port_file:
        pathlib.Path(port_file).write_text(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    return server


async def main(upstream, median_ms, p99_ms, port_file):
    choose = random.Random()
    server = await serve(upstream, lambda: delay_seconds(float(median_ms), float(p99_ms), choose), port_file)
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    await done.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
