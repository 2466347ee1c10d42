"""Random file operations on a disk against a model, across unmounts. Runs inside a virtual machine.

    python3 guest_torture.py DEVICE ext4|xfs FOLDER OPERATIONS SEED

Makes the filesystem, and prints nothing if all is well. The operations alternate between the
processors, so that a disk with a queue for each gets both to work."""

import os
import pathlib
import subprocess
import sys

from file_model import Model

ROUNDS = 3


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stdout[-1500:]} {done.stderr[-1500:]}")


def main(device, filesystem, folder, operations, seed):
    quiet = ["mkfs.ext4", "-q", "-F"] if filesystem == "ext4" else ["mkfs.xfs", "-q", "-f"]
    check = ["e2fsck", "-f", "-n"] if filesystem == "ext4" else ["xfs_repair", "-n"]
    run(*quiet, device)
    processors = sorted(os.sched_getaffinity(0))
    model = Model(pathlib.Path(folder), seed)
    for turn in range(ROUNDS):
        run("mount", "-o", "discard" if turn % 2 else "nodiscard", device, folder)
        if wrong := model.check():
            sys.exit(f"{filesystem}, seed {seed}, after mount {turn}: {wrong[:5]}")
        for number in range(operations // ROUNDS):
            os.sched_setaffinity(0, {processors[number % len(processors)]})
            model.step()
        os.sched_setaffinity(0, processors)
        if wrong := model.check():
            sys.exit(f"{filesystem}, seed {seed}, before unmount {turn}: {wrong[:5]}")
        run("umount", folder)
        run(*check, device)
    run("mount", device, folder)
    wrong = model.check()
    run("umount", folder)
    if wrong:
        sys.exit(f"{filesystem}, seed {seed}, in the end: {wrong[:5]}")


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5]))
