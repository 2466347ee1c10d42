"""The rows of ublk: a volume in memory as /dev/ublkbN, beside the kernel's own NBD client on the same
volume and beside the kernel's own disk in memory.

Few kernels have ublk and nobody should load modules for a bench, so all of it runs in a guest: Debian's
6.12 kernel in QEMU, which emulates the processor (tests/clients/guest_machine.py). Its numbers are small;
only the ratios of neighbouring runs in one guest mean something."""

import pathlib
import tempfile
import unittest

from bench.common.processes import BenchError, Meter
from bench.common.row import Row
from bench.common.stats import Sample
from tests.clients import guest_machine

MIB = 1 << 20
# As long as the kernel makes its disk in memory when nobody asks for another size.
DISK_BYTES = 16 * MIB
SECONDS_MAX = 2  # of a run: what is around it takes as long again
RUNS_MAX = 5
GUEST_SECONDS_MAX = 600  # on a quiet machine it takes two minutes
TICKS = 100  # a second: of the guest's kernel
KINDS = {"guest-ublk-read": "randread", "guest-ublk-write": "randwrite"}
NAMES = tuple(KINDS)
# By the name of a side, its device.
SIDES = {"ublk": "/dev/ublkb0", "nbd": "/dev/nbd0", "brd": "/dev/ram0"}
MODULES = [*guest_machine.MODULES, "ublk_drv", "nbd", "brd"]

SERVER = """
/bin/busybox ip link set lo up
export STRATA_ROOT_USER=benchkey STRATA_ROOT_PASSWORD=bench-in-a-guest STRATA_MEMORY_VOLUMES=disk:{bytes}
"{binary}" serve --data /tmp/data --s3 off --nbd off --nbd-socket /tmp/nbd --admin 127.0.0.1:9001 \\
  --log-level warning --drive /tmp/data/drive > /tmp/log 2>&1 &
server=$!
trap '[ $? = 0 ] || {{ tail -n 20 /tmp/log /tmp/fio; dmesg | tail -n 15; }}' EXIT
for _ in $(seq 20000); do
  if curl -sf http://127.0.0.1:9001/health/ready > /dev/null; then break; fi
  kill -0 $server
done
curl -sS --fail-with-body --unix-socket /tmp/data/control.sock \\
  -d '{{"volume": "disk", "read_only": false}}' http://localhost/v1/ublk > /tmp/made
nbd-client -unix /tmp/nbd /dev/nbd0 -N disk -b 4096 > /tmp/made
for _ in $(seq 20000); do [ "$(cat /sys/block/nbd0/size)" = 0 ] || break; done
ticks() {{ sed 's/.*) //' /proc/$server/stat | cut -d ' ' -f 12,13 | tr ' ' '+'; }}
run() {{  # SIDE KIND DEVICE
  before=$(( $(ticks) ))
  fio --minimal --name=job --filename=$3 --rw=$2 --bs=4k --iodepth=32 --ioengine=io_uring --direct=1 \\
    --size={bytes} --norandommap --randrepeat=0 --time_based --runtime={seconds} > /tmp/fio 2>&1
  # The console is slow: what is read of the line is in its first 87 fields.
  echo "RAN $1 $2 $(( $(ticks) - before )) $(grep '^3;' /tmp/fio | cut -d ';' -f 1-87)"
}}
for device in {devices}; do dd if=/dev/urandom of=$device bs=1M count={mib} oflag=direct status=none; done
"""
END = """
nbd-client -d /dev/nbd0 > /tmp/made
kill $server
wait $server
"""


def script(binary, seconds, runs, kinds):
    """What the guest does: the sides in turn, and again."""
    text = SERVER.format(binary=pathlib.Path(binary).resolve(), bytes=DISK_BYTES, mib=DISK_BYTES // MIB,
                         seconds=seconds, devices=" ".join(SIDES.values()))
    for _ in range(runs):
        for kind in kinds:
            text += "".join(f"run {side} {kind} {device}\n" for side, device in SIDES.items())
    return text + END


def parse(text):
    """{(side, kind): samples} of what the guest printed."""
    out = {}
    for line in text.splitlines():
        words = line.split(maxsplit=4)
        if len(words) != 5 or words[0] != "RAN":
            continue
        _, side, kind, ticks, terse = words
        out.setdefault((side, kind), []).append(_sample(side, kind, int(ticks), terse.split(";")))
    return out


def _sample(side, kind, ticks, fields):
    """fio's terse form, version 3: after five fields 41 of reads, then the same of writes."""
    try:
        own = fields[5:46] if kind == "randread" else fields[46:87]
        kib, rate, percentiles = int(own[0]), float(own[2]), dict(one.split("%=") for one in own[12:32])
        p50, p99 = float(percentiles["50.000000"]), float(percentiles["99.000000"])
        failed = int(fields[4])
    except (ValueError, KeyError, IndexError) as error:
        raise BenchError(f"fio in the guest said: {';'.join(fields)[:600]}") from error
    operations = kib // 4
    if failed or operations == 0:
        raise BenchError(f"fio in the guest ended with error {failed} after {operations} operations")
    served = side != "brd"
    return Sample(rate, operations, latency_us_p50=p50, latency_us_p99=p99,
                  server_cpu_us=ticks / TICKS * 1e6 / operations if served else None)


def boot(setting, kinds):
    """All runs in one guest."""
    seconds, runs = min(setting.seconds, SECONDS_MAX), min(setting.runs, RUNS_MAX)
    with tempfile.TemporaryDirectory(dir=setting.folder) as folder:
        machine = guest_machine.GuestMachine(folder, script(setting.binary, seconds, runs, kinds),
                                             modules=MODULES, memory="1G", seconds_max=GUEST_SECONDS_MAX)
        meter = Meter([]).start()
        status = machine.run()
        meter.stop()
    samples = parse(machine.text())
    # Of one that was stopped because its time was over, whole rounds count.
    rounds = min((len(samples.get((side, kind), ())) for side in SIDES for kind in kinds), default=0)
    if status is None and rounds > 0:
        setting.say(f"the guest's time was over after {rounds} of {runs} rounds")
    elif status != 0:
        raise BenchError(f"the guest did not come to its end: {machine.text()[-2000:]}")
    samples = {key: some[:rounds] for key, some in samples.items()}
    for sample in (one for some in samples.values() for one in some):
        sample.others_share, sample.steal_share = meter.others_share, meter.steal_share
    return samples


def make_rows(name, samples):
    kind = KINDS[name]
    ours, nbd, brd = (samples.get((side, kind), []) for side in SIDES)
    title = f"ublk in a guest, memory, {'random ' + kind[4:]} 4 KiB, depth 32"
    against_nbd = Row(name, title, "our own NBD by the kernel's client in the same guest", "ops/s", 2.0,
                      ours=ours, other=nbd)
    against_brd = Row(name, f"{title}: of the kernel's own disk", "brd, the kernel's own disk in memory", "ops/s",
                      0.0, ours=ours, other=brd)
    against_brd.notes.append("Told, without anything being asked.")
    return [against_nbd.finish_ratio(), against_brd.finish_ratio()]


def run(setting, wanted):
    try:
        guest_machine.require()
    except unittest.SkipTest as why:
        setting.say(f"SKIPPED {', '.join(sorted(wanted))}: {why}")
        return
    names = [name for name in NAMES if name in wanted]
    setting.say(f"{', '.join(names)}: a guest is booted")
    samples = boot(setting, [KINDS[name] for name in names])
    for name in names:
        yield from make_rows(name, samples)
