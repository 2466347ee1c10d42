"""What a row of the table is made of: loads, points that are measured, needs, a month's work."""

import dataclasses

OBJECT, VOLUME, RAW = "object", "volume", "raw"
SIDES = (OBJECT, VOLUME, RAW)
# Begins the reason of a point that was not measured because this machine lacks something: that says
# nothing about the half.
UNTRIED = "not tried: "
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclasses.dataclass(frozen=True)
class Load:
    """One kind of work, the same on every side: what a client waits for is one operation."""

    operation: str  # its name within the row, such as "upload"
    title: str  # in words
    rw: str  # as fio names it: randread, randwrite, read or write
    bytes: int  # of one operation
    read_percent: int | None = None  # of a mixed load
    durable: bool = False  # on blocks each write is followed by a flush; a PUT always is durable


@dataclasses.dataclass(frozen=True)
class Point:
    """One cell of the experiment: a load on a side with so many operations under way."""

    load: Load
    side: str
    concurrency: int
    # A function of (stage, files) that gives a Measurement; files names where raw output goes.
    measure: object
    note: str = ""  # what differs from the other sides, in words
    runs_max: int = 25  # of what takes minutes to begin

    @property
    def id(self):
        return f"{self.load.operation}-{self.side}-{self.concurrency}"


@dataclasses.dataclass(frozen=True)
class Need:
    """What the row's users need: this operation, with so many under way, within this time."""

    operation: str
    concurrency: int
    latency_ms_p99_max: float


@dataclasses.dataclass(frozen=True)
class Workload:
    """A month of the row's work, for the price. `server`: users are elsewhere, so that a volume needs
    a machine that serves them; a bucket is reached as it is."""

    words: str
    stored_gb: float
    reads_per_month: float
    writes_per_month: float
    server: bool = False
    # The operation whose requests, as the server counted them, are what one write costs with objects;
    # none: a write is one PUT. A read is one GET.
    write_operation: str | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    name: str  # as --rows takes it
    need: str  # the table's words
    conventional: str  # OBJECT or VOLUME
    conventional_words: str  # as the table says it
    question: str
    what: tuple  # sentences: what runs, on which half
    held_equal: tuple
    limits: tuple  # what this experiment cannot show
    loads: tuple
    needs: tuple  # of Need
    workload: Workload
    points: object  # a function of the stage: the Points, in the order in which they run
    prepare: object = None  # a function of the stage, once, before the first point
    facts: object = None  # a function of the stage: what else was seen; a list of Fact

    def decides(self, point):
        """Whether the verdict is made of this point."""
        return any(need.operation == point.load.operation and need.concurrency == point.concurrency
                   for need in self.needs)


@dataclasses.dataclass
class Fact:
    """Something that was tried and seen, not timed. `excludes`: the side that it rules out."""

    name: str
    words: str
    excludes: str | None = None


@dataclasses.dataclass
class Measurement:
    """One run of one point, whole: everything that the report says is reckoned from these."""

    operations: int = 0
    operations_per_second: float = 0
    bytes_per_second: float = 0
    latency_us: dict = dataclasses.field(default_factory=dict)  # by percentile, as "99.9"
    latency_us_mean: float | None = None
    client_cpu_us: float | None = None  # per operation
    server_cpu_us: float | None = None
    storage_written_bytes: float | None = None  # by the server, per byte that the client wrote
    requests: dict = dataclasses.field(default_factory=dict)  # the server's own count, by name
    seconds: float = 0  # from start to end of the load tool
    others_share: float = 0
    steal_share: float = 0
    failed: str | None = None  # why nothing was measured; that is a result too
    extra: dict = dataclasses.field(default_factory=dict)
