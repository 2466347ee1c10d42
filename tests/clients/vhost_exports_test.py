#!/usr/bin/env python3
"""Volumes as disks of virtual machines, as the command line and the control socket see them."""

import array
import json
import os
import shlex
import shutil
import socket
import stat
import struct
import subprocess
import unittest

from strata_server import StrataServer, wait_for

QEMU = "qemu-system-x86_64"
GET_FEATURES = 1
VERSION = 1
REPLY = 4


class Machine:
    """As much of a front end as it takes to be connected."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))

    def features(self):
        """What the disk offers; nothing if the server hangs up."""
        try:
            self.socket.sendall(struct.pack("=III", GET_FEATURES, VERSION, 0))
            reply = self.socket.recv(20, socket.MSG_WAITALL)
        except OSError:
            return None
        if len(reply) < 20:
            return None
        request, flags, size, features = struct.unpack("=IIIQ", reply)
        assert (request, flags, size) == (GET_FEATURES, VERSION | REPLY, 8)
        return features

    def close(self):
        self.socket.close()


class Exports(unittest.TestCase):
    def listed(self, server):
        return json.loads(server.run_verb("volume", "exports", "--json").stdout)["exports"]

    def test_an_export_stays_until_it_is_ended(self):
        with StrataServer() as server:
            path = server.folder / "disk.sock"
            server.run_verb("volume", "create", "disk", "64M")
            said = server.run_verb("volume", "export", "disk", "--vhost-user", str(path)).stdout
            self.assertIn(f"path={path}", said)
            server.run_verb("volume", "export", "disk", "--vhost-user", str(path))  # the same again
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            machine = Machine(path)
            self.assertTrue(machine.features() & 1 << 32)
            self.assertTrue(self.listed(server)[0]["connected"])
            self.assertIsNone(Machine(path).features(), "a second machine was let in")
            shown = json.loads(server.run_verb("volume", "show", "disk", "--json").stdout)
            self.assertTrue(shown["writer"].startswith("the attachment"))
            refused = server.run_verb("volume", "unexport", "disk", check=False)
            self.assertIn("a machine uses", refused.stderr)
            machine.close()
            # Killed, and there again.
            server.kill()
            server.start()
            machine = Machine(path)
            self.assertTrue(machine.features())
            machine.close()
            for verb in (("delete", "disk"), ("rename", "disk", "other")):
                refused = server.run_verb("volume", *verb, check=False)
                self.assertIn("strata volume unexport disk", refused.stderr)
            wait_for(lambda: not self.listed(server)[0]["connected"], 10, "the machine to be gone")
            server.run_verb("volume", "unexport", "disk")
            self.assertFalse(path.exists())
            self.assertEqual(self.listed(server), [])
            server.run_verb("volume", "delete", "disk")

    @unittest.skipIf(shutil.which(QEMU) is None, "needs qemu-system-x86")
    def test_the_line_that_is_printed_works_as_it_is(self):
        for queues, processors in ((), 4), (("--queues", "1"), 4), ((), 16):
            with self.subTest(queues=queues, processors=processors), StrataServer() as server:
                server.run_verb("volume", "create", "2nd.disk", "64M")
                said = server.run_verb("volume", "export", "2nd.disk", "--vhost-user",
                                       str(server.folder / "the 'disk', or so.sock"), *queues).stdout
                # Halted: the devices are there, nothing runs. The monitor ends it.
                command = [QEMU, "-accel", "tcg", "-S", "-nodefaults", "-display", "none", "-smp", str(processors),
                           "-monitor", "stdio", *shlex.split(said.split("QEMU:")[1])]
                run = subprocess.run(command, input="quit\n", capture_output=True, text=True, timeout=60)
                self.assertEqual((run.returncode, run.stderr), (0, ""))
                wait_for(lambda: not self.listed(server)[0]["connected"], 10, "the machine to be gone")

    def test_a_volume_has_one_writer(self):
        with StrataServer() as server:
            server.run_verb("volume", "create", "disk", "64M")
            paths = [server.folder / f"{i}.sock" for i in range(3)]

            def export(path, *more):
                return server.run_verb("volume", "export", "disk", "--vhost-user", str(path), *more,
                                       check=False)

            self.assertEqual(export(paths[0]).returncode, 0)
            self.assertIn("exported for writing", export(paths[1]).stderr)
            self.assertEqual(export(paths[1], "--read-only").returncode, 0)
            self.assertIn("end that export first", export(paths[1], "--queues", "2").stderr)
            self.assertIn("from 1 to 16", export(paths[2], "--queues", "17").stderr)
            self.assertIn("say where to", server.run_verb("volume", "export", "disk",
                                                          check=False).stderr)
            machines = [Machine(path) for path in paths[:2]]
            read_only = 1 << 5
            self.assertEqual([bool(one.features() & read_only) for one in machines], [False, True])
            for one in machines:
                one.close()
            wait_for(lambda: not any(one["connected"] for one in self.listed(server)), 10,
                     "the machines to be gone")
            server.run_verb("volume", "unexport", "disk", "--vhost-user", str(paths[1]))
            self.assertEqual([one["socket"] for one in self.listed(server)], [str(paths[0])])

    def test_what_a_machine_says_wrong_ends_its_connection_only(self):
        with StrataServer() as server:
            path = server.folder / "disk.sock"
            server.run_verb("volume", "create", "disk", "64M")
            server.run_verb("volume", "export", "disk", "--vhost-user", str(path))
            machine = Machine(path)
            descriptors = array.array("i", [machine.socket.fileno()] * 4)
            machine.socket.sendmsg([struct.pack("=III", 7777, VERSION, 0)],
                                   [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
            self.assertEqual(machine.socket.recv(1), b"")
            machine.close()
            again = Machine(path)
            self.assertTrue(again.features())
            again.close()
            self.assertIn("vhost_user.closed", server.log())


if __name__ == "__main__":
    unittest.main()
