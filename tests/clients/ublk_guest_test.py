#!/usr/bin/env python3
"""Volumes as /dev/ublkbN: the server runs inside a real kernel that has ublk, with filesystems on its
devices, and is killed and replaced under load."""

import pathlib
import shutil
import tempfile
import time
import unittest

import guest_machine
from strata_server import BINARY, StrataServer

# A server in the guest, and what the checks ask.
SERVER = """
/bin/busybox ip link set lo up
export STRATA_ROOT_USER=testkey STRATA_ROOT_PASSWORD=testsecret-0123456789
admin=9001
begin() {  # PROGRAM DATA ADMIN
  "$1" serve --data "$2" --s3 off --nbd off --admin "127.0.0.1:$3" --drive "$2/drive" >> "$2.log" 2>&1 &
  server=$!
  for _ in $(seq 20000); do
    curl -sf "http://127.0.0.1:$3/health/ready" > /dev/null && return 0
    kill -0 $server || break
  done
  echo "WRONG server"; tail -n 40 "$2.log"; exit 1
}
start() { begin "$1" /tmp/data 9001; }
volume() { "$strata" volume "$@" --data /tmp/data; }
counted() { curl -s "http://127.0.0.1:$admin/metrics" | grep -F "$1" | sed -n '/^#/!s/.* //p' | head -n 1; }
refused() {  # WORDS COMMAND...
  words=$1
  shift
  if "$@" > /tmp/refused 2>&1; then echo "WRONG: was done: $*"; exit 1; fi
  grep -qF -- "$words" /tmp/refused || { echo "WRONG: not '$words':"; cat /tmp/refused; exit 1; }
}
trap '[ $? = 0 ] || { cat /tmp/*.log | tail -n 60; dmesg | tail -n 15; }' EXIT
"""

# What the kernel knows of the device, filesystems, flushes, discards, and who may detach.
EVERYDAY = """
start "$strata"
volume create db 256M
expect "device" "$(volume attach db --mkfs ext4 --mount /mnt/d 2> /tmp/why)" /dev/ublkb0
grep -q "by ublk" /tmp/why
cd /sys/block/ublkb0
expect "cache" "$(cat queue/write_cache)" "write back"
expect "fua" "$(cat queue/fua)" 1
expect "queues" "$(ls mq | wc -l)" 2
expect "sectors" "$(cat size)" 524288
expect "blocks" "$(cat queue/logical_block_size) $(cat queue/physical_block_size)" "512 4096"
cd /
# Threads that serve the disk must not wait for it when memory is short: PF_MEMALLOC_NOIO.
flushers=0
for flags in $(cat /proc/$server/task/*/stat 2> /dev/null | sed 's/.*) //' | cut -d ' ' -f 7); do
  [ $((flags & 0x80000)) = 0 ] || flushers=$((flushers + 1))
done
[ $flushers -ge 2 ] || { echo "WRONG: $flushers flushers"; exit 1; }
before=$(counted 'strata_ublk_requests_total{op="flush"}')
for i in 1 2 3 4 5; do dd if=/dev/zero of=/mnt/d/flushed bs=4k count=1 conv=fsync status=none; done
flushes=$(( $(counted 'strata_ublk_requests_total{op="flush"}') - before ))
[ "$flushes" -ge 5 ] || { echo "WRONG: $flushes flushes"; exit 1; }
cp /usr/bin/fio /mnt/d/copy
mkdir /mnt/d/many
for i in $(seq 100); do echo $i > /mnt/d/many/$i; done
sync
rm -r /mnt/d/many
fstrim /mnt/d
[ "$(counted 'strata_ublk_requests_total{op="trim"}')" -ge 1 ]
expect "again" "$(volume attach db 2> /dev/null)" /dev/ublkb0
refused "detach it first" volume attach db --read-only
refused "strata volume detach db" volume delete db
(cd /mnt/d && refused "is in use" volume detach db)
umount /mnt/d
exec 5< /dev/ublkb0
refused "is open in" volume detach db
exec 5<&-
# Even if nobody looked: a mounted device is the kernel's to refuse.
mount /dev/ublkb0 /mnt/d
refused "is mounted" curl -sS --fail-with-body --unix-socket /tmp/data/control.sock \\
  -d '{"force": false}' http://localhost/v1/ublk/db/end
cmp /usr/bin/fio /mnt/d/copy
umount /mnt/d
volume detach db
[ ! -e /dev/ublkb0 ]
volume attach db --as ublk --queues 1 2> /dev/null
expect "queues" "$(ls /sys/block/ublkb0/mq | wc -l)" 1
e2fsck -fn /dev/ublkb0 > /tmp/fsck.log
blkdiscard -f -z -o 0 -l 1048576 /dev/ublkb0
expect "zeroes" "$(head -c 1048576 /dev/ublkb0 | tr -d '\\0' | wc -c)" 0
[ "$(counted 'strata_ublk_requests_total{op="write_zeroes"}')" -ge 1 ]
volume resize db 320M
grep -q "6.16" /tmp/data.log
volume detach db
volume attach db 2> /dev/null
expect "grown" "$(cat /sys/block/ublkb0/size)" 655360
mkfs.xfs -qf /dev/ublkb0
mount /dev/ublkb0 /mnt/d
cp /usr/bin/fio /mnt/d/copy
cmp /usr/bin/fio /mnt/d/copy
umount /mnt/d
xfs_repair -n /dev/ublkb0 > /tmp/repair.log 2>&1
volume detach db
volume attach db --read-only 2> /dev/null
expect "read-only" "$(cat /sys/block/ublkb0/ro)" 1
volume detach db
kill $server
wait $server
"""

# Killed and replaced under load: fio checks what it wrote on one device, a filesystem is mounted on
# another.
KILLED = """
start "$strata"
volume create disk 128M
volume create fs 128M
volume attach disk > /dev/null 2>&1
volume attach fs --mkfs ext4 --mount /mnt/d > /dev/null 2>&1
disk=$(volume attach disk 2> /dev/null)
cp /usr/bin/fio /mnt/d/first
sync
fio --name=verify --filename=$disk --rw=randwrite --bsrange=4k-64k --size=24m --numjobs=2 \\
  --offset_increment=32m --iodepth=16 --ioengine=libaio --direct=1 --verify=crc32c --verify_fatal=1 \\
  --do_verify=1 --randseed=7 --fsync=64 --loops=2 --group_reporting > /tmp/fio.log 2>&1 &
fio=$!
sectors_written() { read -r _ _ _ _ _ _ sectors _ < /sys/block/${disk#/dev/}/stat; }
for i in 1 2 3; do
  sectors_written
  enough=$((sectors + 12288))
  while [ "$sectors" -lt "$enough" ] && kill -0 $fio; do sectors_written; done
  kill -0 $fio && echo "UNDER LOAD $i"
  if [ $i = 2 ]; then kill $server; else kill -9 $server; fi
  wait $server || true
  (cp /usr/bin/cmp /mnt/d/while.$i && sync /mnt/d/while.$i && echo "WENT ON $i") > /tmp/went.$i &
  copy=$!
  # The second one ends in order, and what follows it is a newer program.
  if [ $i = 1 ]; then start "$strata"; else start "$newer"; fi
  wait $copy
  cat /tmp/went.$i
  cmp /usr/bin/cmp /mnt/d/while.$i
done
wait $fio || { cat /tmp/fio.log; exit 1; }
[ "$(counted strata_ublk_recovered_devices_total)" = 2 ]
cmp /usr/bin/fio /mnt/d/first
expect "still" "$(volume attach fs 2> /dev/null)" "$(findmnt -no SOURCE /mnt/d)"
# Without a server: what is in use waits for it, what is not can go.
kill -9 $server
wait $server || true
refused "waits for the server" volume detach fs
volume detach disk
[ ! -e $disk ]
start "$newer"
volume detach fs
expect "devices" "$(ls /dev | grep -c ublkb || true)" 0
volume attach fs > /dev/null 2>&1
e2fsck -fn /dev/ublkb? > /tmp/fsck.log
volume detach fs
kill $server
wait $server
"""

# What newer kernels have: data that goes between the kernel's pages and the disk, here one with direct I/O,
# and a device that grows in use. Discards, a snapshot while its volume is written anew, a throttled volume
# whose servers are killed under load.
ON_A_DISK = """
mkfs.ext4 -q -E nodiscard /dev/vda
mkdir /tmp/data
mount /dev/vda /tmp/data
start "$strata"
"""
ZERO_COPY = """
volume create db 64M
expect "device" "$(volume attach db --mkfs ext4 --mount /mnt/d 2> /tmp/why)" /dev/ublkb0
grep -q "zero copy" /tmp/why
cp /usr/bin/fio /mnt/d/copy
sync
[ "$(counted strata_ublk_zero_copy_requests_total)" -ge 20 ]
echo 3 > /proc/sys/vm/drop_caches
cmp /usr/bin/fio /mnt/d/copy
fstrim /mnt/d
[ "$(counted 'strata_ublk_requests_total{op="trim"}')" -ge 1 ]
# Copy before write: what the snapshot needs is kept, though nobody here sees what is written over it.
over() { fio --name=over --filename=/mnt/d/over --rw=$1 --bs=16k --size=12m --iodepth=8 --ioengine=libaio --direct=1 > /tmp/fio.log 2>&1; }
job() { curl -s --unix-socket /tmp/data/control.sock -d '{"action": "job", "job": 1}' http://localhost/v1/snapshots > /tmp/job; }
over write
fsfreeze -f /mnt/d
old=$(dd if=/dev/ublkb0 bs=1M iflag=direct status=none | sha256sum)
"$strata" snapshot create db --name before --rate 6M --data /tmp/data > /tmp/made 2>&1 &
snapshot=$!
# Known from the instant on.
until job; grep -q '"total_bytes": *[1-9]' /tmp/job; do kill -0 $server; done
fsfreeze -u /mnt/d
over randwrite
job
if grep -q '"ended": *false' /tmp/job; then echo "WRITTEN MEANWHILE"; fi
wait $snapshot
umount /mnt/d
volume create then --from-snapshot before
device=$(volume attach then 2> /dev/null)
expect "snapshot" "$(dd if=$device bs=1M iflag=direct status=none | sha256sum)" "$old"
volume detach then
# A device in use grows.
mount /dev/ublkb0 /mnt/d
volume resize db 96M
expect "grown" "$(cat /sys/block/ublkb0/size)" 196608
resize2fs /dev/ublkb0 > /tmp/resize.log 2>&1
cmp /usr/bin/fio /mnt/d/copy
umount /mnt/d
e2fsck -fn /dev/ublkb0 > /tmp/fsck.log
volume detach db
# Without it, when nobody wants it.
volume attach db --no-zero-copy > /tmp/made 2> /tmp/why
grep -q "data is copied" /tmp/why
volume detach db
"""
ZERO_COPY_KILLED = """
volume create disk 96M --iops 20000
disk=$(volume attach disk 2> /tmp/why)
grep -q "zero copy" /tmp/why
fio --name=verify --filename=$disk --rw=randwrite --bsrange=512-64k --size=6m --numjobs=2 \
  --offset_increment=32m --iodepth=16 --ioengine=libaio --direct=1 --verify=crc32c --verify_fatal=1 \
  --do_verify=1 --randseed=7 --fsync=64 --loops=2 --group_reporting > /tmp/fio.log 2>&1 &
fio=$!
sectors_written() { read -r _ _ _ _ _ _ sectors _ < /sys/block/${disk#/dev/}/stat; }
for i in 1 2; do
  sectors_written
  enough=$((sectors + 6144))
  while [ "$sectors" -lt "$enough" ] && kill -0 $fio; do sectors_written; done
  kill -0 $fio && echo "UNDER LOAD $i"
  kill -9 $server
  wait $server || true
  start "$strata"
done
wait $fio || { cat /tmp/fio.log; exit 1; }
[ "$(counted strata_ublk_recovered_devices_total)" = 1 ]
[ "$(counted strata_ublk_zero_copy_requests_total)" -ge 100 ]
volume detach disk
kill $server
wait $server
umount /tmp/data
"""

# A server without privileges, and a user who has its device.
UNPRIVILEGED = """
mkdir -m 777 /tmp/home
chmod 666 /dev/ublk-control
# What the rule for udev does.
(while [ ! -e /tmp/over ]; do for n in /dev/ublk[bc]*; do chown -f 65534 $n || true; done; done) &
udev=$!
cat > /tmp/user.sh <<'SCRIPT'
set -eu
"$strata" serve --data /tmp/home/data --s3 off --nbd off --admin 127.0.0.1:9002 --drive /tmp/home/drive \\
  > /tmp/home/log 2>&1 &
server=$!
for _ in $(seq 20000); do curl -sf http://127.0.0.1:9002/health/ready > /dev/null && break; done
volume() { "$strata" volume "$@" --data /tmp/home/data; }
volume create own 64M
device=$(volume attach own --as ublk 2> /tmp/home/why)
grep -q "ends with the server" /tmp/home/why
for _ in $(seq 20000); do [ -w $device ] && break; done
dd if=/usr/bin/fio of=$device bs=1M conv=fsync status=none
cmp -n "$(stat -c %s /usr/bin/fio)" /usr/bin/fio $device
volume detach own
volume attach own --as ublk > /dev/null 2>&1
kill $server
wait $server
[ ! -e $device ]
SCRIPT
export strata
setpriv --reuid 65534 --regid 65534 --clear-groups bash /tmp/user.sh || { cat /tmp/home/log /tmp/home/why; ls -l /dev/ublk*; exit 1; }
touch /tmp/over
wait $udev
"""


class UblkGuest(unittest.TestCase):
    def setUp(self):
        guest_machine.require()

    def boot(self, *scripts, kernel="6.12", disk_bytes=0):
        with tempfile.TemporaryDirectory(dir=guest_machine.ROOT / "build") as folder:
            newer = pathlib.Path(folder) / "strata"
            shutil.copy2(BINARY, newer)
            script = f"strata={pathlib.Path(BINARY).resolve()}\nnewer={newer}\n" + "".join(scripts)
            devices = []
            if disk_bytes > 0:
                image = pathlib.Path(folder) / "disk"
                with open(image, "wb") as file:
                    file.truncate(disk_bytes)
                devices = ["-drive", f"file={image},format=raw,if=none,id=disk,cache=unsafe,discard=unmap",
                           "-device", "virtio-blk-pci,drive=disk"]
            machine = guest_machine.GuestMachine(
                folder, script, modules=[*guest_machine.MODULES, "ublk_drv"], memory="1536M", kernel=kernel,
                devices=devices)
            started = time.monotonic()
            status = machine.run()
            print(f"the machine ran {time.monotonic() - started:.1f} s")
        self.assertEqual(status, 0, machine.text()[-6000:])
        return machine.text()

    def test_a_volume_is_used_like_any_disk_and_detached_when_nobody_does(self):
        self.boot(SERVER, EVERYDAY)

    def test_devices_go_on_when_the_server_is_killed_or_replaced_under_load(self):
        text = self.boot(SERVER, KILLED)
        for i in (1, 2, 3):
            self.assertIn(f"WENT ON {i}", text)
        self.assertIn("UNDER LOAD 1", text)

    def test_a_newer_kernel_hands_over_its_pages_and_lets_a_device_grow(self):
        guest_machine.require("new")
        text = self.boot(SERVER, ON_A_DISK, ZERO_COPY, ZERO_COPY_KILLED, kernel="new", disk_bytes=1 << 30)
        self.assertIn("WRITTEN MEANWHILE", text)
        self.assertIn("UNDER LOAD 1", text)

    def test_a_server_without_privileges_has_devices_that_end_with_it(self):
        self.boot(SERVER, UNPRIVILEGED)


class WithoutUblk(unittest.TestCase):
    @unittest.skipIf(pathlib.Path("/dev/ublk-control").exists(), "this kernel has ublk")
    def test_a_kernel_without_ublk_is_told_with_the_next_best_ways(self):
        with StrataServer() as server:
            server.run_verb("volume", "create", "db", "64M")
            refused = server.run_verb("volume", "attach", "db", "--as", "ublk", check=False)
            self.assertEqual(refused.returncode, 1)
            for words in ("no ublk", "modprobe ublk_drv", "--as nbd", "--as fuse"):
                self.assertIn(words, refused.stderr)
            self.assertIn("was not attached", server.run_verb("volume", "detach", "db").stdout)


if __name__ == "__main__":
    unittest.main()
