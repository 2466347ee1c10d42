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

    def boot(self, *scripts):
        with tempfile.TemporaryDirectory(dir=guest_machine.ROOT / "build") as folder:
            newer = pathlib.Path(folder) / "strata"
            shutil.copy2(BINARY, newer)
            script = f"strata={pathlib.Path(BINARY).resolve()}\nnewer={newer}\n" + "".join(scripts)
            machine = guest_machine.GuestMachine(
                folder, script, modules=[*guest_machine.MODULES, "ublk_drv"], memory="1536M")
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
