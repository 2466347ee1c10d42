"""Clients that vanish at every byte of an upload: nothing half-written is visible or kept, and the
server lets go of the connection, its descriptors and its files."""

import os
import pathlib
import socket
import struct
import unittest

from s3_wire import Wire
from strata_server import ACCESS_KEY, SECRET_KEY, StrataServer, wait_for

SMALL = b"s" * 300
LARGE = os.urandom(300_000)
PART = os.urandom(200_000)


class Tap(Wire):
    """Signs a request and gives its bytes, as it would send them."""

    def bytes_of(self, method, path, query, body):
        signed = self._sign(method, path, query, {})
        head = f"{method} {path}{'?' + query if query else ''} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        return f"{head}content-length: {len(body)}\r\n\r\n".encode(), body


class Disconnect(unittest.TestCase):
    def send_part(self, server, data, reset):
        host, port = server.s3_address.rsplit(":", 1)
        connection = socket.create_connection((host, int(port)), timeout=10)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            connection.sendall(data)
        except OSError:
            pass  # refused before its end: that is an answer too
        connection.close()

    def blob_files(self, server):
        return [p for p in pathlib.Path(server.data).glob("drive*/blobs/*/*") if p.is_file()]

    def descriptors(self, server):
        return len(os.listdir(f"/proc/{server.process.pid}/fd"))

    def quiet(self, server, before):
        wait_for(lambda: server.status()["connections"]["http"] == 0, 30, "the connections to end")
        wait_for(lambda: not self.blob_files(server), 30, "what was written to be removed")
        # The tables of the index open and close files of their own.
        wait_for(lambda: self.descriptors(server) <= before + 12, 30, "the descriptors to return")

    def test_at_every_byte_of_an_upload(self):
        with StrataServer(environment={"STRATA_BUCKETS": "cut"}) as server:
            tap = Tap(server.s3_address, ACCESS_KEY, SECRET_KEY)
            upload = tap.request("POST", "/cut/parts", {"uploads": ""})
            upload_id = upload.text().split("<UploadId>")[1].split("<")[0]
            tap.close()
            before = self.descriptors(server)
            requests = [("/cut/small", "", SMALL), ("/cut/large", "", LARGE),
                        ("/cut/parts", f"partNumber=1&uploadId={upload_id}", PART)]
            for path, query, body in requests:
                head, body = tap.bytes_of("PUT", path, query, body)
                whole = head + body
                cuts = set(range(0, len(head) + 300)) if path == "/cut/small" else \
                    set(range(len(head), len(whole), 4999)) | set(range(len(whole) - 40, len(whole)))
                for number, cut in enumerate(sorted(c for c in cuts if c < len(whole))):
                    self.send_part(server, whole[:cut], reset=number % 2 == 0)
            self.quiet(server, before)
            self.assertEqual(tap.request("GET", "/cut", {"list-type": 2}).text().count("<Key>"), 0)
            parts = tap.request("GET", "/cut/parts", {"uploadId": upload_id})
            self.assertEqual((parts.status, parts.text().count("<PartNumber>")), (200, 0))
            # The same bytes, all of them, are taken.
            for path, query, body in requests[:2]:
                self.assertEqual(tap.request("PUT", path, body=body).status, 200)
                self.assertEqual(tap.request("GET", path).body, body)
            tap.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
