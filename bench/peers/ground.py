"""What all servers are measured on: a folder, the fio, the seconds. It stands where the comparison has its
stage."""

import os


class Ground:
    def __init__(self, folder, fio, seconds):
        self.folder, self.fio, self.seconds = folder, fio, seconds
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith(("STRATA_", "MINIO_", "AWS_", "RUSTFS_"))}

    def requests(self):
        return {}

    def requests_since(self, _before):
        return {}
