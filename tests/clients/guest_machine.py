"""A virtual machine for one test: Debian's 6.12 kernel, or a newer one, in QEMU without hardware help,
busybox, and this host's root read-only over 9p, so that the guest runs the host's own fio, mkfs and fsck.

The test gives a shell script. It says `mark NAME` to let the test do something to the host and
waits until that is done; what it prints is the machine's output."""

import lzma
import os
import pathlib
import re
import shutil
import subprocess
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUSYBOX = pathlib.Path("/bin/busybox")
QEMU = "qemu-system-x86_64"
# In the order of what needs what; their dependencies come before them.
MODULES = ["virtio_pci", "9pnet_virtio", "9p", "virtio_blk", "ext4", "crc32c_generic", "xfs"]
BOOT_SECONDS_MAX = 300

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module || echo "no module $module"; done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /host
for folder in proc sys dev; do mount --bind /$folder /host/$folder; done
for folder in tmp run mnt; do mount -t tmpfs tmpfs /host/$folder; done
cp /test.sh /host/tmp/test.sh
echo "GUEST BOOTED"
chroot /host /bin/bash /tmp/test.sh < /dev/console
echo "GUEST ENDED $?"
poweroff -f
"""

PRELUDE = """set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
mark() { echo "MARK $1"; read -r answer; [ "$answer" = go ]; }
expect() { [ "$2" = "$3" ] || { echo "WRONG $1: $2, expected $3"; exit 1; }; }
"""


def require(kernel="6.12"):
    """Skips the test, with the reason, where the machine cannot be had. kernel: "6.12", or "new" for the newest
    of Debian's backports."""
    for program in (QEMU, str(BUSYBOX)):
        if shutil.which(program) is None:
            raise unittest.SkipTest(f"no {program}: install qemu-system-x86 and busybox-static")
    which = [] if kernel == "6.12" else [kernel]
    fetch = subprocess.run([ROOT / "tools/fetch_guest_kernel.sh", *which], capture_output=True, text=True)
    if fetch.returncode != 0:
        raise unittest.SkipTest(f"Debian's {kernel} kernel cannot be fetched: {fetch.stderr.strip()}")
    return ROOT / fetch.stdout.strip()


def _archive(entries):
    """A cpio archive in the form "newc" of (name, mode, bytes)."""
    out = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08X" % field for field in fields)
        out += name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4)
        out += data
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def _modules_folder(kernel):
    """Debian 13's packages know no /lib but /usr/lib."""
    return next(folder for folder in (kernel / "usr/lib/modules", kernel / "lib/modules") if folder.is_dir())


def _image(kernel):
    return next(path for pattern in ("boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz") for path in kernel.glob(pattern))


def _modules(kernel, wanted):
    """(name, bytes) of the modules and of what they need, in the order of loading."""
    files = {}
    for path in _modules_folder(kernel).glob("*/kernel/**/*.ko*"):
        files[path.name.split(".ko")[0].replace("-", "_")] = path
    loaded = {}

    def load(name):
        name = name.replace("-", "_")
        if name in loaded or name not in files:  # built in
            return
        path = files[name]
        data = path.read_bytes()
        if path.suffix == ".xz":
            data = lzma.decompress(data)
        for need in re.search(rb"\0depends=([^\0]*)", data).group(1).decode().split(","):
            if need:
                load(need)
        loaded[name] = data

    for name in wanted:
        load(name)
    return list(loaded.items())


def initramfs(kernel, script, modules):
    loaded = _modules(kernel, modules)
    folders = ["bin", "proc", "sys", "dev", "host", "modules"]
    entries = [(name, 0o040755, b"") for name in folders]
    entries += [("init", 0o100755, INIT.encode()),
                ("test.sh", 0o100755, (PRELUDE + script).encode()),
                ("bin/busybox", 0o100755, BUSYBOX.read_bytes()),
                ("modules/order", 0o100644, "\n".join(f"{n}.ko" for n, _ in loaded).encode())]
    entries += [(f"modules/{name}.ko", 0o100644, data) for name, data in loaded]
    return _archive(entries)


class GuestMachine:
    def __init__(self, folder, script, devices=(), modules=MODULES, memory="512M",
                 seconds_max=BOOT_SECONDS_MAX, kernel="6.12"):
        kernel = require(kernel)
        image = _image(kernel)
        archive = pathlib.Path(folder) / "initramfs"
        archive.write_bytes(initramfs(kernel, script, modules))
        self.output = []
        self.seconds_max = seconds_max
        self.command = [
            QEMU, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", memory,
            "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-object", f"memory-backend-memfd,id=ram,size={memory},share=on",
            "-machine", "pc,memory-backend=ram",
            "-kernel", str(image), "-initrd", str(archive),
            "-append", "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check",
            "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
            "-serial", "stdio", *devices]

    def run(self, handlers=None):
        """Runs to the end; what the script's last command returned. handlers: by the name of a mark. An emulated
        kernel on a busy host may give up on itself while it boots; nothing of ours has run then: once more."""
        status = self._run(handlers or {})
        if not any("GUEST BOOTED" in line for line in self.output):
            status = self._run(handlers or {})
        return status

    def _run(self, handlers):
        process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace",
                                   env={**os.environ, "LC_ALL": "C"})
        patience = threading.Timer(self.seconds_max, process.kill)
        patience.start()
        status = None
        try:
            for line in process.stdout:
                line = line.rstrip("\r\n")
                self.output.append(line)
                if found := re.search(r"MARK (\S+)", line):
                    handlers.get(found.group(1), lambda: None)()
                    process.stdin.write("go\n")
                    process.stdin.flush()
                if found := re.search(r"GUEST ENDED (\d+)", line):
                    status = int(found.group(1))
        finally:
            patience.cancel()
            if process.poll() is None:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        return status

    def text(self):
        return "\n".join(self.output)
