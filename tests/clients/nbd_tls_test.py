"""NBD over TLS with libnbd's tools and qemu's: certificates, client certificates, pre-shared keys, and
that nothing is told without TLS where it is required."""

import json
import os
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import unittest

from nbd_certificates import make_authority, sign
from strata_server import StrataServer, wait_for

MIB = 1024 * 1024
TOOLS = [tool for tool in ("openssl", "nbdinfo", "nbdcopy", "qemu-img") if shutil.which(tool) is None]


@unittest.skipIf(TOOLS, ", ".join(TOOLS) + " not installed")
class NbdTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="strata-nbd-tls-"))
        authority = make_authority(cls.folder, "ca")
        cls.authority = authority[0]
        cls.server_pair = sign(cls.folder, "server", authority, "DNS:localhost,IP:127.0.0.1", "serverAuth")
        client = sign(cls.folder, "client", authority, "DNS:client", "clientAuth")
        cls.anybody = cls.client_folder("anybody", cls.authority)
        cls.known = cls.client_folder("known", cls.authority, client)
        stranger = make_authority(cls.folder, "other")
        cls.stranger = cls.client_folder("stranger", stranger[0])
        cls.forged = cls.client_folder("forged", cls.authority,
                                       sign(cls.folder, "forger", stranger, "DNS:client", "clientAuth"))
        cls.keys = cls.folder / "keys.psk"
        cls.keys.write_text(f"alice:{'a1' * 32}\n")
        cls.wrong_keys = cls.folder / "wrong.psk"
        cls.wrong_keys.write_text(f"alice:{'b2' * 32}\n")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def client_folder(cls, name, authority, pair=None):
        """The files' names are those that libnbd and qemu look for."""
        folder = cls.folder / name
        folder.mkdir()
        shutil.copy(authority, folder / "ca-cert.pem")
        if pair:
            shutil.copy(pair[0], folder / "client-cert.pem")
            shutil.copy(pair[1], folder / "client-key.pem")
        return folder

    def serve(self, *arguments):
        server = StrataServer(environment={"STRATA_VOLUMES": "db:64M"}, arguments=[str(a) for a in arguments])
        self.addCleanup(server.__exit__)
        server.start()
        self.port = int(server.nbd_address.rsplit(":", 1)[1])
        return server

    def with_certificate(self, *more):
        return self.serve("--nbd-tls-cert", self.server_pair[0], "--nbd-tls-key", self.server_pair[1], *more)

    def uri(self, scheme="nbds", user="", host="localhost", **query):
        text = "&".join(f"{key.replace('_', '-')}={value}" for key, value in query.items())
        return f"{scheme}://{user}{host}:{self.port}/db" + (f"?{text}" if text else "")

    def run_tool(self, *command, good=True):
        run = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=200)
        self.assertEqual(run.returncode == 0, good, f"{command}: {run.stdout[-1500:]} {run.stderr[-1500:]}")
        return run.stdout

    def info(self, uri, good=True):
        text = self.run_tool("nbdinfo", "--json", uri, good=good)
        return json.loads(text) if good else None

    def copy_there_and_back(self, uri):
        body = os.urandom(9 * MIB) + bytes(5 * MIB) + os.urandom(50 * MIB)
        there, back = self.folder / "there", self.folder / "back"
        there.write_bytes(body)
        self.run_tool("nbdcopy", there, uri)
        self.run_tool("nbdcopy", uri, back)
        self.assertTrue(back.read_bytes() == body)

    def test_certificates_are_for_who_asks(self):
        server = self.with_certificate()
        self.assertEqual(server.status()["nbd_tls"], "optional")
        secured = self.info(self.uri(tls_certificates=self.anybody))
        self.assertEqual(secured["TLS"], True)
        self.assertEqual(secured["exports"][0]["export-size"], 64 * MIB)
        self.assertEqual(self.info(self.uri("nbd"))["TLS"], False)
        self.info(self.uri(tls_certificates=self.stranger), good=False)
        self.info(f"nbds+unix:///db?socket={server.nbd_socket}&tls-verify-peer=false&tls-certificates={self.anybody}")
        self.copy_there_and_back(self.uri(tls_certificates=self.anybody))

    def test_nothing_is_told_before_tls_and_tls_12_does_too(self):
        self.with_certificate("--nbd-tls", "required")
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain:
            self.assertEqual(plain.recv(18, socket.MSG_WAITALL)[:8], b"NBDMAGIC")
            plain.sendall(struct.pack(">I", 3))
            plain.sendall(b"IHAVEOPT" + struct.pack(">II", 3, 0))
            reply = plain.recv(20, socket.MSG_WAITALL)
            self.assertEqual(struct.unpack(">QIII", reply)[2], 0x80000005, "TLS required")
            plain.sendall(b"IHAVEOPT" + struct.pack(">II", 5, 0))
            while struct.unpack(">QIII", reply)[1] != 5:
                plain.recv(struct.unpack(">QIII", reply)[3], socket.MSG_WAITALL)
                reply = plain.recv(20, socket.MSG_WAITALL)
            self.assertEqual(struct.unpack(">QIII", reply)[2], 1, "go on with TLS")
            settings = ssl.create_default_context(cafile=self.authority)
            settings.maximum_version = ssl.TLSVersion.TLSv1_2
            with settings.wrap_socket(plain, server_hostname="localhost") as inside:
                self.assertEqual(inside.version(), "TLSv1.2")
                inside.sendall(b"IHAVEOPT" + struct.pack(">II", 3, 0))
                self.assertEqual(struct.unpack(">QI", inside.recv(12))[1], 3)

    def test_client_certificates(self):
        server = self.with_certificate("--nbd-tls-client-ca", self.authority)
        self.assertEqual(server.status()["nbd_tls"], "required")
        self.assertIn("nbds://", server.log())
        self.copy_there_and_back(self.uri(tls_certificates=self.known))
        for uri in (self.uri(tls_certificates=self.anybody), self.uri(tls_certificates=self.forged), self.uri("nbd")):
            self.info(uri, good=False)
        # qemu's, which does its own checks of the certificates.
        image = ["--object", f"tls-creds-x509,id=tls,endpoint=client,dir={self.known}",
                 "--image-opts", f"driver=nbd,host=localhost,port={self.port},export=db,tls-creds=tls"]
        self.assertIn("64 MiB", self.run_tool("qemu-img", "info", *image))
        image[1] = f"tls-creds-x509,id=tls,endpoint=client,dir={self.anybody}"
        self.run_tool("qemu-img", "info", *image, good=False)
        # What is attached on this machine goes over the Unix socket, without.
        self.assertEqual(self.info(server.nbd_uri("db"))["TLS"], False)

    def test_pre_shared_keys(self):
        server = self.serve("--nbd-tls-psk", self.keys)
        self.assertEqual(server.status()["nbd_tls"], "required")
        good = self.uri(user="alice@", tls_psk_file=self.keys)
        self.assertEqual(self.info(good)["TLS"], True)
        self.copy_there_and_back(good)
        self.info(self.uri(user="alice@", tls_psk_file=self.wrong_keys), good=False)
        self.info(self.uri(user="mallory@", tls_psk_file=self.keys), good=False)
        self.info(self.uri("nbd"), good=False)
        folder = self.folder / "psk"
        folder.mkdir()
        shutil.copy(self.keys, folder / "keys.psk")
        image = ["--object", f"tls-creds-psk,id=tls,endpoint=client,dir={folder},username=alice",
                 "--image-opts", f"driver=nbd,host=localhost,port={self.port},export=db,tls-creds=tls"]
        self.assertIn("64 MiB", self.run_tool("qemu-img", "info", *image))
        # A key that is added is good for new connections without a restart.
        bob = self.folder / "bob.psk"
        bob.write_text(f"bob:{'c3' * 32}\n")
        fresh = self.folder / "fresh.psk"
        fresh.write_text(self.keys.read_text() + bob.read_text())
        os.replace(fresh, self.keys)
        wait_for(lambda: subprocess.run(["nbdinfo", self.uri(user="bob@", tls_psk_file=bob)],
                                        capture_output=True, timeout=60).returncode == 0, 30, "the new key")

    def test_what_does_not_go_together_is_refused_at_start(self):
        for arguments, word in (
                (["--nbd-tls", "required"], "--nbd-tls-psk"),
                (["--nbd-tls-cert", str(self.server_pair[0])], "both"),
                (["--nbd-tls-client-ca", str(self.authority)], "--nbd-tls-cert"),
                (["--nbd-tls-psk", str(self.keys), "--nbd-tls-cert", str(self.server_pair[0]), "--nbd-tls-key",
                  str(self.server_pair[1])], "without a key"),
                (["--nbd-tls-psk", str(self.folder / "none")], "none")):
            server = StrataServer(arguments=arguments)
            server.begin()
            self.assertNotEqual(server.process.wait(60), 0)
            self.assertIn(word, server.log())
            shutil.rmtree(server.folder)


if __name__ == "__main__":
    unittest.main(verbosity=2)
