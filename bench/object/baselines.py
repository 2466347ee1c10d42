"""What the machine itself can do: fio's flushes and sequential writes, OpenSSL's MD5."""

import json

from bench.common.processes import CORES, BenchError, Meter, run_tool
from bench.common.stats import Sample

FLUSH_FILE_MIB = 64
SEQUENTIAL_FILE_MIB = 1024
GRACE_SECONDS = 60
MD5_BLOCK_BYTES = 65536


def parse_fio(text):
    """(operations a second, bytes a second, p50 us, p99 us) of a write job's JSON output."""
    start = text.find("{")
    if start < 0:
        raise BenchError("fio gave no JSON: " + text[-600:])
    job = json.loads(text[start:])["jobs"][0]
    if job["error"] != 0:
        raise BenchError(f"fio's job ended with error {job['error']}")
    write = job["write"]
    percentile = write["clat_ns"].get("percentile", {})
    return (write["iops"], write["bw_bytes"], percentile.get("50.000000", 0) / 1000,
            percentile.get("99.000000", 0) / 1000)


def parse_md5(text):
    """Bytes a second, all processes together, of `openssl speed -mr`: lines +F:N:md5:BYTES."""
    sums = [line for line in text.splitlines() if line.startswith("+F:") and ":md5:" in line]
    if not sums:
        raise BenchError("openssl speed gave no result: " + text[-600:])
    return float(sums[-1].split(":")[3])


def _fio(folder, seconds, options):
    meter = Meter([]).start()
    output, _ = run_tool(["fio", "--output-format=json", *options], folder / "fio.log",
                         seconds + GRACE_SECONDS)
    return parse_fio(output), meter.stop()


def flushes_per_second(folder, seconds):
    """One writer: 4 KiB, fdatasync, and again, in a file that is laid out before."""
    file = folder / "fio-flush.dat"
    common = ["--name=flush", f"--filename={file}", "--rw=write", "--bs=4k",
              f"--size={FLUSH_FILE_MIB}m", "--ioengine=psync", "--allow_file_create=1"]
    if not file.exists():
        run_tool(["fio", *common, "--bs=1m", "--end_fsync=1"], folder / "fio.log", GRACE_SECONDS)
    (rate, _, p50, p99), meter = _fio(folder, seconds, [
        *common, "--fdatasync=1", "--overwrite=1", "--time_based", f"--runtime={seconds}"])
    return meter.sample(rate, max(1, int(rate * seconds)), latency_us_p50=p50, latency_us_p99=p99)


def sequential_write(folder, seconds):
    """Bytes a second of one sequential writer with direct I/O, 1 MiB blocks, four under way."""
    file = folder / "fio-sequential.dat"
    (_, rate, p50, p99), meter = _fio(folder, seconds, [
        "--name=sequential", f"--filename={file}", "--rw=write", "--bs=1m", "--direct=1",
        f"--size={SEQUENTIAL_FILE_MIB}m", "--ioengine=io_uring", "--iodepth=4", "--time_based",
        f"--runtime={seconds}", "--end_fsync=1"])
    return Sample(value=rate, latency_us_p50=p50, latency_us_p99=p99,
                  others_share=meter.others_share, steal_share=meter.steal_share)


def md5_speed(folder, seconds):
    """Bytes a second of MD5 on all cores at once."""
    meter = Meter([]).start()
    output, _ = run_tool(
        ["openssl", "speed", "-mr", "-elapsed", "-seconds", seconds, "-bytes", MD5_BLOCK_BYTES,
         "-multi", CORES, "md5"], folder / "openssl.log", seconds + GRACE_SECONDS)
    meter.stop()
    return Sample(value=parse_md5(output), others_share=meter.others_share,
                  steal_share=meter.steal_share)
