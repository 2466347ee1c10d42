"""NBD on a socket that was opened before the server: what systemd does."""

import shutil
import socket
import subprocess
import unittest

from strata_server import StrataServer


class ActivatedServer(StrataServer):
    """Started with a listening socket as descriptor 3, as sd_listen_fds(3) says."""

    def begin(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / "given.sock"
        with socket.socket(socket.AF_UNIX) as listener, open(self.folder / "server.log", "ab") as log:
            listener.bind(str(self.path))
            listener.listen(8)
            # The shell's own number becomes the server's by exec.
            script = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&%d' % listener.fileno()
            self.process = subprocess.Popen(["sh", "-c", script, "sh", *self.command()],
                                            env=self.environment, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, pass_fds=[listener.fileno()])


@unittest.skipIf(shutil.which("nbdinfo") is None, "nbdinfo not installed")
class Activation(unittest.TestCase):
    def test_a_socket_handed_over_is_served(self):
        with ActivatedServer(environment={"STRATA_VOLUMES": "v:16M"}) as server:
            uri = f"nbd+unix:///v?socket={server.path}"
            size = subprocess.run(["nbdinfo", "--size", uri], capture_output=True, text=True, timeout=60)
            self.assertEqual(size.stdout.strip(), str(16 << 20), size.stderr)
            # The server's own socket is there too.
            subprocess.run(["nbdinfo", server.nbd_uri("v")], check=True, capture_output=True, timeout=60)


if __name__ == "__main__":
    unittest.main()
