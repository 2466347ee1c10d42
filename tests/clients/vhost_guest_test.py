#!/usr/bin/env python3
"""A volume as a virtual machine's disk: a real kernel over vhost-user-blk, with filesystems, random
file operations, and servers that are killed or replaced under load."""

import json
import os
import pathlib
import random
import re
import shutil
import tempfile
import time
import unittest

import guest_machine
from strata_server import StrataServer

# What the guest sees, a filesystem that is used and checked, discards, and a volume that grows.
EVERYDAY = """
cd /sys/block/vda
expect "cache" "$(cat queue/write_cache)" "write back"
expect "queues" "$(ls mq | wc -l)" 2
expect "sectors" "$(cat size)" 655360
echo "SERIAL $(cat serial)"
mkfs.ext4 -q -E nodiscard /dev/vda
mkdir /mnt/d
mount /dev/vda /mnt/d
cp /usr/bin/fio /mnt/d/copy
mkdir /mnt/d/many
for i in $(seq 100); do echo "$i" > /mnt/d/many/$i; done
sync
rm /mnt/d/many/*
fstrim /mnt/d
umount /mnt/d
e2fsck -fn /dev/vda
mount /dev/vda /mnt/d
cmp /usr/bin/fio /mnt/d/copy
umount /mnt/d
mkfs.xfs -qf /dev/vda
mount /dev/vda /mnt/d
cp /usr/bin/fio /mnt/d/copy
umount /mnt/d
xfs_repair -n /dev/vda > /dev/null 2>&1
mark grow
for i in $(seq 10000); do read -r sectors < size; [ "$sectors" = 1310720 ] && break; done
expect "grown" "$(cat size)" 1310720
blkdiscard -f /dev/vda
expect "zeroes" "$(head -c 1048576 /dev/vda | tr -d '\\0' | wc -c)" 0
"""

# A flush of the guest is one of the server's; without the write-back cache there are none.
FLUSHES = """
cd /sys/block/vda
sync_twenty() {
  for i in $(seq 20); do dd if=/dev/zero of=/dev/vda bs=4k count=1 seek=$i conv=notrunc,fsync status=none; done
}
expect "cache" "$(cat cache_type)" "write back"
mark start
sync_twenty
mark flushed
echo "write through" > cache_type
expect "cache" "$(cat queue/write_cache)" "write through"
mark through
sync_twenty
mark unflushed
echo "write back" > cache_type
"""

# Of files as a model says they must be, on both filesystems and both queues.
TORTURE = """
mkdir /mnt/d
for filesystem in ext4 xfs; do
  PYTHONDONTWRITEBYTECODE=1 python3 {program} /dev/vda $filesystem /mnt/d {operations} {seed}
done
cat /proc/interrupts
"""

# fio checks what it wrote, on two queues, while the server is killed twice and replaced once.
KILLED = """
fio --name=verify --filename=/dev/vda --rw=randwrite --bsrange=4k-64k --size=24m --numjobs=2 \\
  --offset_increment=32m --iodepth=16 --ioengine=libaio --direct=1 --verify=crc32c --verify_fatal=1 \\
  --do_verify=1 --randseed=7 --fsync=64 --loops=3 --group_reporting > /tmp/fio.log 2>&1 &
fio=$!
sectors_written() { read -r _ _ _ _ _ _ sectors _ < /sys/block/vda/stat; }
for what in kill replace kill; do
  sectors_written
  enough=$((sectors + 16384))
  while [ "$sectors" -lt "$enough" ] && kill -0 $fio; do sectors_written; done
  mark $what
done
kill -0 $fio && echo "UNDER LOAD"
wait $fio || { cat /tmp/fio.log; exit 1; }
mkdir /mnt/d
for make in "mkfs.ext4 -q -E nodiscard" "mkfs.xfs -qfK"; do
  $make /dev/vda
  mount /dev/vda /mnt/d
  cp /usr/bin/fio /mnt/d/copy
  sync
  mark kill
  cmp /usr/bin/fio /mnt/d/copy
  umount /mnt/d
done
xfs_repair -n /dev/vda > /dev/null 2>&1
"""


OPERATIONS = 1000  # on each filesystem


class VhostGuest(unittest.TestCase):
    def setUp(self):
        guest_machine.require()

    def boot(self, server, script, handlers):
        socket = server.folder / "disk.sock"
        server.run_verb("volume", "create", "disk", "320M")
        server.run_verb("volume", "export", "disk", "--vhost-user", str(socket), "--queues", "2")
        with tempfile.TemporaryDirectory() as folder:
            machine = guest_machine.GuestMachine(folder, script, devices=[
                "-chardev", f"socket,id=disk,path={socket},reconnect=1",
                "-device", "vhost-user-blk-pci,chardev=disk,num-queues=2"])
            started = time.monotonic()
            status = machine.run(handlers)
            print(f"the machine ran {time.monotonic() - started:.1f} s")
        self.assertEqual(status, 0, machine.text()[-4000:] + server.log()[-2000:])
        return machine.text()

    def test_a_machine_uses_its_disk_like_any_other(self):
        with StrataServer() as server:
            text = self.boot(server, EVERYDAY, {
                "grow": lambda: server.run_verb("volume", "resize", "disk", "640M")})
            identity = json.loads(server.run_verb("volume", "show", "disk", "--json").stdout)["id"]
            self.assertIn("SERIAL " + identity[:20], text)

    def test_files_are_what_they_must_be_and_flushes_arrive(self):
        seed = random.randrange(1 << 32)
        program = pathlib.Path(__file__).with_name("guest_torture.py").resolve()
        print(f"ext4, xfs: {OPERATIONS} operations each, seed {seed}")
        with StrataServer() as server:
            flushes = {}

            def count(when):
                flushes[when] = server.metric("strata_vhost_user_requests_total", op="flush")
            text = self.boot(server, FLUSHES + TORTURE.format(program=program, operations=OPERATIONS, seed=seed),
                             {when: lambda when=when: count(when)
                              for when in ("start", "flushed", "through", "unflushed")})
            self.assertEqual(flushes["flushed"] - flushes["start"], 20)
            self.assertEqual(flushes["unflushed"] - flushes["through"], 0)
            self.assertGreater(server.metric("strata_vhost_user_requests_total", op="trim"), 0)
        for queue in range(2):
            found = re.search(rf"^ *\d+: +(\d+) +(\d+) .*virtio\d+-req\.{queue}\b", text, re.M)
            self.assertIsNotNone(found, text[-3000:])
            self.assertGreater(int(found[1]) + int(found[2]), 100, f"queue {queue}")

    def test_a_server_that_is_killed_or_replaced_under_load_is_followed_by_the_next(self):
        with StrataServer() as server:
            newer = server.folder / "strata-newer"

            def kill():
                server.kill()
                server.start()

            def replace():
                # As an upgrade does: the new program is there, then the old one is asked to stop.
                shutil.copy2(server.binary, newer)
                server.binary = str(newer)
                server.stop()
                server.start()
                self.assertEqual(os.readlink(f"/proc/{server.process.pid}/exe"), str(newer))
            text = self.boot(server, KILLED, {"kill": kill, "replace": replace})
            self.assertIn("UNDER LOAD", text)


if __name__ == "__main__":
    unittest.main()
