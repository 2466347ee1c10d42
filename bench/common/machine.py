"""The machine that the numbers belong to, and what else goes on there."""

import os
import pathlib
import platform
import shutil
import subprocess


def describe(folder, tools):
    """tools: by name, the command that tells its version."""
    stat = os.stat(folder)
    return {
        "processor": _field("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_bytes": int(_field("/proc/meminfo", "MemTotal").split()[0]) * 1024,
        "kernel": platform.release(),
        "disk": _disk(stat.st_dev),
        "filesystem": _filesystem(folder),
        "free_bytes": shutil.disk_usage(folder).free,
        "load_average": list(os.getloadavg()),
        "virtual": "hypervisor" in _field("/proc/cpuinfo", "flags").split(),
        "tools": {name: _version(asked) for name, asked in tools.items()},
    }


def _field(path, name):
    for line in pathlib.Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _disk(device):
    block = pathlib.Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    if not block.exists():
        return "unknown"
    name = block.resolve().name
    try:
        gib = int((block / "size").read_text()) * 512 / 2**30
    except OSError:
        return name
    return f"{name}, {gib:.0f} GiB"


def _filesystem(folder):
    found = subprocess.run(["findmnt", "-n", "-o", "FSTYPE", "-T", str(folder)],
                           capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _version(command):
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "missing"
    return (run.stdout + run.stderr).strip().splitlines()[0] if run.stdout or run.stderr else ""
