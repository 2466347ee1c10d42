"""Where measurements are kept: one JSON file a run of a point, beside the load tool's own output.

A run that was interrupted goes on where it stopped: what has a record is not measured again. The report is
made of nothing but this folder, so it can be made anew at any time.
"""

import dataclasses
import json
import os
import shutil

from bench.common.processes import BenchError
from bench.compare.model import Measurement

SETTINGS = "settings.json"
RUN_SUFFIX = ".run.json"


def write_json(path, value):
    """Whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.write_text(json.dumps(value, indent=1, default=str) + "\n")
    os.replace(new, path)


class Store:
    def __init__(self, folder):
        self.folder = folder
        self.raw = folder / "raw"

    def begin(self, settings, fresh):
        """Takes the folder for a run of these settings; goes on with one that was interrupted. True
        when something of it is there."""
        path = self.folder / SETTINGS
        # Without a measurement there is nothing that could be lost.
        kept = path.exists() and next(self.raw.glob("*/*" + RUN_SUFFIX), None)
        found = json.loads(path.read_text()) if kept else None
        same = found and found["settings"] == json.loads(json.dumps(settings, default=str))
        if found and not found["finished"] and not same and not fresh:
            raise BenchError(f"{self.folder} holds an interrupted run with other settings; give its "
                             "options again to go on with it, --fresh to discard it, or another --out")
        resumed = bool(same and not found["finished"] and not fresh)
        if not resumed:
            shutil.rmtree(self.raw, ignore_errors=True)
        self.raw.mkdir(parents=True, exist_ok=True)
        write_json(path, {"finished": False, "settings": settings})
        return resumed

    def finish(self):
        path = self.folder / SETTINGS
        write_json(path, json.loads(path.read_text()) | {"finished": True})

    def settings(self):
        path = self.folder / SETTINGS
        if not path.exists():
            raise BenchError(f"{self.folder} holds no comparison: there is no {SETTINGS}")
        found = json.loads(path.read_text())
        return found["settings"] | {"finished": found["finished"]}

    def note(self, name, value):
        """Something that the report tells, such as the machine."""
        write_json(self.raw / f"{name}.json", value)

    def noted(self, name, otherwise=None):
        path = self.raw / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else otherwise

    def files(self, row, point_id, run):
        """The path, without a suffix, of all that a run leaves."""
        folder = self.raw / row
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{point_id}-run{run}"

    def has(self, row, point_id, run):
        return self.files(row, point_id, run).with_suffix(RUN_SUFFIX).exists()

    def put(self, row, point, run, measurement):
        write_json(self.files(row, point.id, run).with_suffix(RUN_SUFFIX), {
            "row": row, "point": point.id, "operation": point.load.operation, "side": point.side,
            "concurrency": point.concurrency, "run": run, "note": point.note,
            **dataclasses.asdict(measurement)})

    def runs(self, row):
        """All records of a row: by point, in the order of the runs."""
        out = {}
        fields = {field.name for field in dataclasses.fields(Measurement)}
        for path in (self.raw / row).glob("*" + RUN_SUFFIX):
            record = json.loads(path.read_text())
            missing = (fields | {"point", "run"}) - set(record)
            if missing:
                raise BenchError(f"{path} is no record of a run: it lacks {sorted(missing)[0]}")
            record["raw"] = str(path.relative_to(self.folder))
            out.setdefault(record["point"], []).append(record)
        for records in out.values():
            records.sort(key=lambda record: record["run"])
        return out
