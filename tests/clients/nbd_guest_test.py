#!/usr/bin/env python3
"""Volumes on the kernel's own NBD client, in a virtual machine: over TCP, plain and with TLS, and by
`strata volume attach` with the server inside the machine."""

import pathlib
import shutil
import tempfile
import time
import unittest

import guest_machine
import nbd_certificates
from strata_server import ACCESS_KEY, SECRET_KEY, StrataServer

MODULES = [*guest_machine.MODULES, "virtio_net", "nbd", "loop", "fuse"]
# QEMU's own network: 10.0.2.2 is the host's loopback. No way leads further.
NETWORK = ["-netdev", "user,id=net,restrict=off", "-device", "virtio-net-pci,netdev=net"]

PRELUDE = """
ip() { /bin/busybox ip "$@"; }
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
mkdir /mnt/d
mkfifo /tmp/never
exec 9<> /tmp/never
wait_for() {
  for i in $(seq 1200); do
    if "$@"; then return 0; fi
    read -r -t 0.05 -u 9 || true  # nobody writes there: between two looks
  done
  echo "WAITED IN VAIN FOR $*"
  exit 1
}
connected() { [ "$(cat /sys/block/$1/size)" = 655360 ]; }
verify() {
  fio --name=verify --filename="$1" --rw=randwrite --bsrange=4k-64k --size=6m --iodepth=16 --ioengine=libaio \\
    --direct=1 --verify=crc32c --verify_fatal=1 --do_verify=1 --randseed=7 --fsync=32 > /tmp/fio.log 2>&1 ||
    { cat /tmp/fio.log; exit 1; }
}
filesystem() {  # the command that makes it, the device
  $1 "$2"
  mount "$2" /mnt/d
  cp /usr/bin/fio /mnt/d/copy
  sync
  rm /mnt/d/copy
  cp /usr/bin/fio /mnt/d/again
  fstrim /mnt/d
  umount /mnt/d
  mount "$2" /mnt/d
  cmp /usr/bin/fio /mnt/d/again
  umount /mnt/d
}
"""

PLAIN = """
nbd-client 10.0.2.2 {port} /dev/nbd0 -N disk -b 4096 -C 2
wait_for connected nbd0
cd /sys/block/nbd0
expect "cache" "$(cat queue/write_cache)" "write back"
expect "forced unit access" "$(cat queue/fua)" 1
expect "block" "$(cat queue/logical_block_size)" 4096
verify /dev/nbd0
filesystem "mkfs.ext4 -q -F -E nodiscard" /dev/nbd0
e2fsck -fn /dev/nbd0
filesystem "mkfs.xfs -qf" /dev/nbd0
mark count
for i in $(seq 20); do dd if=/dev/zero of=/dev/nbd0 bs=4k count=1 seek=$i conv=notrunc,fsync status=none; done
mark counted
nbd-client -d /dev/nbd0
"""

# The kernel gives errors when the server is lost, and does not hang; connected again to the next server,
# it finds what was flushed.
RECONNECTED = """
nbd-client 10.0.2.2 {port} /dev/nbd1 -N disk -b 4096
wait_for connected nbd1
dd if=/usr/bin/fio of=/dev/nbd1 bs=4k count=256 conv=notrunc,fsync iflag=fullblock status=none
mark kill
if dd if=/dev/nbd1 of=/dev/null bs=4k count=1 iflag=direct status=none; then echo "READ FROM THE DEAD"; exit 1; fi
nbd-client -d /dev/nbd1
gone() {{ [ ! -e /sys/block/nbd1/pid ]; }}
wait_for gone
nbd-client 10.0.2.2 {port} /dev/nbd1 -N disk -b 4096
wait_for connected nbd1
head -c 1048576 /dev/nbd1 | cmp -n 1048576 - /usr/bin/fio
verify /dev/nbd1
nbd-client -d /dev/nbd1
"""

SECURED = """
cat > /tmp/ca.pem << 'TEXT'
{authority}TEXT
cat > /tmp/client.pem << 'TEXT'
{certificate}TEXT
cat > /tmp/client-key.pem << 'TEXT'
{key}TEXT
if nbd-client 10.0.2.2 {port} /dev/nbd2 -N disk -b 4096; then echo "WITHOUT TLS"; exit 1; fi
nbd-client 10.0.2.2 {port} /dev/nbd2 -N disk -b 4096 -cacertfile /tmp/ca.pem -certfile /tmp/client.pem \\
  -keyfile /tmp/client-key.pem -tlshostname localhost
wait_for connected nbd2
verify /dev/nbd2
filesystem "mkfs.ext4 -q -F -E nodiscard" /dev/nbd2
nbd-client -d /dev/nbd2
"""

# The server runs in the machine, where the kernel has an NBD client.
ATTACHED = """
export STRATA_ROOT_USER={user} STRATA_ROOT_PASSWORD={password}
data=/tmp/data
strata() {{ {binary} "$@" --data $data; }}
serve() {{
  {binary} serve --data $data --s3 off --admin off --nbd off --drive $data/drive1 > /tmp/server.log 2>&1 &
  server=$!
  wait_for eval 'strata status > /dev/null 2>&1'
}}
serve
strata volume create db 128M
strata volume create other 320M
device=$(strata volume attach db --mkfs ext4 --mount /mnt/d 2> /tmp/why)
expect "device" "$device" /dev/nbd0
grep -q "NBD client is here" /tmp/why
expect "twice" "$(strata volume attach db 2> /dev/null)" /dev/nbd0
cp /usr/bin/fio /mnt/d/copy
sync
exec 5< /mnt/d/copy
if strata volume detach db 2> /tmp/refused; then echo "DETACHED WHILE BUSY"; exit 1; fi
grep -q "stays attached" /tmp/refused
grep -q "is in use by .*bash" /tmp/refused
exec 5<&-
expect "second" "$(strata volume attach other --as nbd 2> /dev/null)" /dev/nbd1
verify /dev/nbd1
if strata volume delete other 2> /dev/null; then echo "DELETED WHILE ATTACHED"; exit 1; fi
strata volume detach other
strata volume detach other
if [ -e /sys/block/nbd1/pid ]; then echo "NBD1 IS STILL CONNECTED"; exit 1; fi
# What was flushed is there after a kill; the mount is made again where it was.
kill -9 $server
wait $server || true
serve
strata volume attach db
cmp /usr/bin/fio /mnt/d/copy
echo more > /mnt/d/more
strata volume detach db
device=$(strata volume attach db --read-only 2> /dev/null)
expect "read-only" "$(cat /sys/block/${{device#/dev/}}/ro)" 1
strata volume detach db
kill $server
wait $server
"""


def require():
    guest_machine.require()
    if shutil.which("nbd-client") is None:
        raise unittest.SkipTest("no nbd-client: install nbd-client")


class NbdGuest(unittest.TestCase):
    def setUp(self):
        require()

    def boot(self, script, handlers=None, log=lambda: ""):
        with tempfile.TemporaryDirectory() as folder:
            machine = guest_machine.GuestMachine(folder, PRELUDE + script, devices=NETWORK, modules=MODULES,
                                                 memory="1G")
            started = time.monotonic()
            status = machine.run(handlers)
            print(f"the machine ran {time.monotonic() - started:.1f} s")
        self.assertEqual(status, 0, machine.text()[-4000:] + log()[-2000:])

    def test_the_kernel_client_over_tcp_has_a_disk_like_any_other_and_finds_a_new_server(self):
        with StrataServer() as server:
            server.run_verb("volume", "create", "disk", "320M")
            port = server.nbd_address.rsplit(":", 1)[1]
            flushes = []

            def count():
                flushes.append(server.metric("strata_nbd_requests_total", op="flush"))

            def kill():
                server.kill()
                server.nbd_listen = server.nbd_address
                server.start()
            self.boot((PLAIN + RECONNECTED).format(port=port),
                      {"count": count, "counted": count, "kill": kill}, server.log)
            self.assertEqual(flushes[1] - flushes[0], 20)

    def test_the_kernel_client_with_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            authority = nbd_certificates.make_authority(folder, "ca")
            pair = nbd_certificates.sign(folder, "server", authority, "DNS:localhost,IP:127.0.0.1", "serverAuth")
            client = nbd_certificates.sign(folder, "client", authority, "DNS:client", "clientAuth")
            arguments = ["--nbd-tls-cert", str(pair[0]), "--nbd-tls-key", str(pair[1]),
                         "--nbd-tls-client-ca", str(authority[0])]
            with StrataServer(arguments=arguments) as server:
                server.run_verb("volume", "create", "disk", "320M")
                self.boot(SECURED.format(port=server.nbd_address.rsplit(":", 1)[1],
                                         authority=authority[0].read_text(), certificate=client[0].read_text(),
                                         key=client[1].read_text()), log=server.log)

    def test_attach_prefers_the_kernel_client_and_is_safe_when_busy_or_killed(self):
        binary = pathlib.Path(StrataServer(folder="/nowhere").binary).resolve()
        self.boot(ATTACHED.format(binary=binary, user=ACCESS_KEY, password=SECRET_KEY))


if __name__ == "__main__":
    unittest.main()
