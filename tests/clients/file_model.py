"""Random file operations in a folder, and a model of what the files must hold. Needs nothing else, so
that it runs inside a virtual machine too (guest_torture.py)."""

import ctypes
import os
import random

FILES_MAX = 60
BYTES_MAX = 400_000
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16


def fallocate(descriptor, mode, offset, length):
    libc = ctypes.CDLL(None, use_errno=True)
    call = libc.fallocate
    call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    if call(descriptor, mode, offset, length) != 0:
        raise OSError(ctypes.get_errno(), "fallocate")


class Model:
    """What the files hold, as a dictionary; each operation is done to both."""

    def __init__(self, folder, seed):
        self.folder, self.random, self.files, self.next = folder, random.Random(seed), {}, 0

    def step(self):
        actions = [(self.create, 3), (self.write, 6), (self.append, 3), (self.truncate, 2),
                   (self.punch, 3), (self.zero, 2), (self.allocate, 2), (self.rename, 2),
                   (self.replace, 1), (self.unlink, 1), (self.sync, 1)]
        weights = [weight for _, weight in actions]
        action = self.random.choices([one for one, _ in actions], weights)[0]
        if not self.files or (action == self.create and len(self.files) >= FILES_MAX):
            action = self.create if not self.files else self.unlink
        action()

    def some(self):
        return self.random.choice(sorted(self.files))

    def span(self, body):
        offset = self.random.randrange(max(1, len(body)))
        return offset, self.random.randrange(1, 60_000)

    def create(self):
        folder = f"d{self.random.randrange(5)}"
        (self.folder / folder).mkdir(exist_ok=True)
        name = f"{folder}/f{self.next}"
        self.next += 1
        self.files[name] = bytearray(self.random.randbytes(self.random.randrange(30_000)))
        (self.folder / name).write_bytes(self.files[name])

    def write(self):
        name = self.some()
        offset, length = self.span(self.files[name])
        self.put(name, offset, self.random.randbytes(length))

    def append(self):
        name = self.some()
        if len(self.files[name]) < BYTES_MAX:
            self.put(name, len(self.files[name]), self.random.randbytes(self.random.randrange(1, 20_000)))

    def put(self, name, offset, data):
        with open(self.folder / name, "r+b", buffering=0) as file:
            os.pwrite(file.fileno(), data, offset)
            if self.random.random() < 0.2:
                os.fsync(file.fileno())
        body = self.files[name]
        body.extend(bytes(max(0, offset + len(data) - len(body))))
        body[offset:offset + len(data)] = data

    def truncate(self):
        name = self.some()
        size = self.random.randrange(BYTES_MAX)
        os.truncate(self.folder / name, size)
        body = self.files[name]
        del body[size:]
        body.extend(bytes(size - len(body)))

    def zeroes(self, mode):
        name = self.some()
        body = self.files[name]
        offset, length = self.span(body)
        with open(self.folder / name, "r+b", buffering=0) as file:
            fallocate(file.fileno(), mode | KEEP_SIZE, offset, length)
        end = min(len(body), offset + length)
        body[offset:end] = bytes(max(0, end - offset))

    def punch(self):
        self.zeroes(PUNCH_HOLE)

    def zero(self):
        self.zeroes(ZERO_RANGE)

    def allocate(self):
        name = self.some()
        offset, length = self.span(self.files[name])
        with open(self.folder / name, "r+b", buffering=0) as file:
            fallocate(file.fileno(), 0, offset, length)
        self.files[name].extend(bytes(max(0, offset + length - len(self.files[name]))))

    def rename(self):
        old = self.some()
        folder = f"d{self.random.randrange(5)}"
        (self.folder / folder).mkdir(exist_ok=True)
        new = f"{folder}/r{self.next}"
        self.next += 1
        os.rename(self.folder / old, self.folder / new)
        self.files[new] = self.files.pop(old)

    def replace(self):
        old, new = self.some(), self.some()
        if old != new:
            os.rename(self.folder / old, self.folder / new)
            self.files[new] = self.files.pop(old)

    def unlink(self):
        name = self.some()
        os.unlink(self.folder / name)
        del self.files[name]

    def sync(self):
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def check(self):
        found = {str(path.relative_to(self.folder)) for path in self.folder.glob("d*/*")}
        wrong = [f"{name}: there or missing" for name in found ^ set(self.files)]
        for name in found & set(self.files):
            body = (self.folder / name).read_bytes()
            if body != self.files[name]:
                at = next((i for i, (a, b) in enumerate(zip(body, self.files[name])) if a != b),
                          min(len(body), len(self.files[name])))
                wrong.append(f"{name}: differs from byte {at} on")
        return wrong
