"""Folders on what is compared: a volume with a filesystem, attached; a bucket, mounted. Both are gone when the
stage is left."""

import os
import pathlib
import shutil
import subprocess
import time

from bench.common.processes import BenchError, Child
from bench.compare.model import UNTRIED

ATTACH_TOOLS = ("nbdfuse", "losetup", "mount", "umount", "blkid", "wipefs", "fusermount3")
MOUNT_SECONDS = 60
DETACH_TRIES = 5
VERB_SECONDS = 180


def why_not_volume(filesystem="ext4"):
    """Why a volume cannot be attached here; empty if it can."""
    if os.geteuid() != 0:
        return "attaching a volume needs root"
    for node in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(node):
            return f"this machine has no {node}"
    absent = [tool for tool in (*ATTACH_TOOLS, f"mkfs.{filesystem}") if not shutil.which(tool)]
    return f"{', '.join(absent)} not installed" if absent else ""


def why_not_bucket():
    if os.geteuid() != 0 and not os.access("/dev/fuse", os.W_OK):
        return "/dev/fuse is not to be used"
    return "" if shutil.which("s3fs") or shutil.which("rclone") else "neither s3fs nor rclone is installed"


def run(stage, *command, seconds=VERB_SECONDS):
    made = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          env=stage.environment, timeout=seconds, check=False)
    if made.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command[:4]))}: {(made.stderr or made.stdout)[-400:].strip()}")
    return made.stdout


def volume(stage, name, size_bytes, filesystem):
    """A new volume with a filesystem on it; the folder that it is mounted on."""
    reason = why_not_volume(filesystem)
    if reason:
        raise BenchError(UNTRIED + reason)
    folder = stage.folder / f"mnt-{name}"
    folder.mkdir()
    if stage.device:
        return _on_device(stage, folder, size_bytes, filesystem)

    def verb(*arguments):
        return run(stage, stage.binary, "volume", *arguments, "--data", stage.data)
    verb("create", name, str(size_bytes), *(("--profile", stage.profile) if stage.profile else ()))
    stage.on_exit(_detach, stage, name)
    verb("attach", name, "--mkfs", filesystem, "--mount", folder)
    folder.chmod(0o755)
    return folder


def _on_device(stage, folder, size_bytes, filesystem):
    """The same on a part of somebody else's device."""
    first = stage.device.part(size_bytes)
    loop = run(stage, "losetup", "-f", "--show", "-o", first, "--sizelimit", size_bytes,
               stage.device.path).strip()
    stage.on_exit(lambda: subprocess.run(["losetup", "-d", loop], timeout=60, check=False))
    run(stage, f"mkfs.{filesystem}", *(("-q", "-F") if filesystem == "ext4" else ("-q", "-f")), loop)
    run(stage, "mount", loop, folder)
    stage.on_exit(_unmount, folder)
    return folder


def _detach(stage, name):
    for attempt in range(DETACH_TRIES):
        try:
            run(stage, stage.binary, "volume", "detach", name, "--data", stage.data)
            return
        except (BenchError, subprocess.TimeoutExpired) as error:
            if "not attached" in str(error):
                return
            if attempt == DETACH_TRIES - 1:
                stage.say(f"could not detach the volume {name}: {error}")
            time.sleep(0.5)  # what used it may still be ending


def bucket(stage, name="bucket", owner=None):
    """The bucket mounted by s3fs or, without it, by rclone: its folder. owner: (uid, gid), if not ours."""
    reason = why_not_bucket()
    if reason:
        raise BenchError(UNTRIED + reason)
    tool = "s3fs" if shutil.which("s3fs") else "rclone"
    folder = stage.folder / f"mnt-of-{name}"
    folder.mkdir()
    bucket_of = stage.bucket
    environment = dict(stage.environment)
    if tool == "s3fs":
        password = stage.folder / "s3fs-password"
        password.write_text(f"{bucket_of.access_key}:{bucket_of.secret}\n")
        password.chmod(0o600)
        command = ["s3fs", bucket_of.bucket, folder, "-f", "-o", f"passwd_file={password}", "-o",
                   f"url={bucket_of.url()}", "-o", "use_path_request_style", "-o",
                   f"endpoint={bucket_of.region}"]
        if owner:
            command += ["-o", f"allow_other,umask=0077,uid={owner[0]},gid={owner[1]}"]
    else:
        environment |= {"RCLONE_CONFIG": "/dev/null", "RCLONE_S3_PROVIDER": "Other",
                        "RCLONE_S3_ENDPOINT": bucket_of.url(), "RCLONE_S3_REGION": bucket_of.region,
                        "RCLONE_S3_ACCESS_KEY_ID": bucket_of.access_key,
                        "RCLONE_S3_SECRET_ACCESS_KEY": bucket_of.secret}
        command = ["rclone", "mount", f":s3:{bucket_of.bucket}", folder, "--vfs-cache-mode", "writes",
                   "--vfs-write-back", "0s", "--cache-dir", stage.folder / "rclone-cache"]
        if owner:
            command += ["--allow-other", "--umask", "0077", "--uid", owner[0], "--gid", owner[1]]
    child = Child(command, stage.folder / f"{tool}-{name}.log", environment)
    stage.on_exit(child.stop)
    stage.on_exit(_unmount, folder)
    deadline = time.monotonic() + MOUNT_SECONDS
    while not os.path.ismount(folder):
        if not child.running() or time.monotonic() > deadline:
            raise BenchError(f"{tool} did not mount the bucket: {child.tail(400)}")
        time.sleep(0.05)
    if stage.options.s3_endpoint:
        stage.on_exit(_empty, folder)
    return folder


def _empty(folder):
    """Removes what was made through the mount from a bucket that is not ours."""
    for made in list(folder.glob("w[0-9]*")) + list(folder.glob("pg")):
        shutil.rmtree(made, ignore_errors=True)


def _unmount(folder):
    if os.path.ismount(folder):
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, timeout=60, check=False)


def remove_left_over(out, binary):
    """Undoes what a comparison that was killed left mounted below `out`."""
    scratch = str(out.absolute()) + "/scratch-"
    for line in reversed(pathlib.Path("/proc/self/mounts").read_text().splitlines()):
        folder = line.split()[1]
        if folder.startswith(scratch) and not os.path.exists(f"/proc/{_owner(folder, scratch)}"):
            subprocess.run(["umount", "-l", folder], capture_output=True, timeout=60, check=False)
    for state in out.glob("scratch-*/data/attached/*.json"):
        if not os.path.exists(f"/proc/{_owner(str(state.absolute()), scratch)}"):
            subprocess.run([binary, "volume", "detach", state.stem, "--data", state.parents[1]],
                           capture_output=True, timeout=VERB_SECONDS, check=False)


def _owner(path, scratch):
    """The process whose scratch folder a path is in."""
    return path[len(scratch):].split("/")[0]
