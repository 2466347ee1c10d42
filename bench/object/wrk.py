"""wrk runs: small requests over keep-alive connections.

The requests are signed before the clock starts and lie in a file, so that the load tool's own cost is
about the same for every server. Lua scripts are written into the bench's folder.
"""

import json

from bench.common.processes import BenchError, Meter, run_tool

GRACE_SECONDS = 60

_GET = """
local requests, at = {}, 0
function init(args)
  for line in io.lines(args[1]) do
    requests[#requests + 1] = "GET " .. line .. " HTTP/1.1\\r\\nHost: " .. args[2] .. "\\r\\n\\r\\n"
  end
  at = (tonumber(id) * 7919) % #requests
  ready = os.clock()
end
function request()
  at = at % #requests + 1
  return requests[at]
end
"""

_PUT = """
local file, before, after, filler
function init(args)
  file = assert(io.open(args[1] .. "." .. id, "r"))
  before = "PUT " .. args[3]
  after = " HTTP/1.1\\r\\nHost: " .. args[2] .. "\\r\\nContent-Length: " .. args[5] .. "\\r\\n\\r\\n"
  local body = assert(io.open(args[4], "rb"))
  filler = body:read("*a")
  body:close()
  ready = os.clock()
end
function request()
  local line = file:read("*l")
  if not line then  -- every key was used: begin again, so that keys are written anew
    file:seek("set", 0)
    line = file:read("*l")
  end
  local bar = line:find("|", 1, true)
  local key = line:sub(1, bar - 1)
  return before .. key .. line:sub(bar + 1) .. after .. key .. filler
end
"""

_COMMON = """
local threads = {}
function setup(thread)
  thread:set("id", #threads)
  threads[#threads + 1] = thread
end
function done(summary, latency, requests)
  local e, began = summary.errors, 0
  for _, thread in ipairs(threads) do began = math.max(began, thread:get("ready")) end
  io.write(string.format(
    '\\n{"requests": %d, "microseconds": %d, "bytes": %d, "p50": %.1f, "p99": %.1f, ' ..
    '"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d, ' ..
    '"cpu_us": %d}\\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50),
    latency:percentile(99), e.connect, e.read, e.write, e.status, e.timeout,
    (os.clock() - began) * 1e6))
end
"""

THREADS = 2


def parse_output(text):
    """The line that done() writes. Errors of any kind make the run worthless."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            summary = json.loads(line)
            break
    else:
        raise BenchError("wrk gave no summary: " + text[-600:])
    failed = {k: summary[k] for k in ("connect", "read", "write", "status", "timeout") if summary[k]}
    if failed:
        raise BenchError(f"wrk saw errors: {failed} of {summary['requests']} requests")
    if summary["requests"] == 0:
        raise BenchError("wrk completed no request")
    return summary


def write_get_list(path, targets):
    path.write_text("".join(target + "\n" for target in targets))


def write_put_lists(path, server, keys):
    """One file a thread: KEY|QUERY. The body of a key is the key and then a filler."""
    files = [open(f"{path}.{i}", "w", encoding="ascii") for i in range(THREADS)]
    try:
        sign, common = server.presigner.signature, server.presigner.parameters
        for number, key in enumerate(keys):
            signature = sign("PUT", server.path(key))
            files[number % THREADS].write(f"{key}|?{common}&X-Amz-Signature={signature}\n")
    finally:
        for file in files:
            file.close()


class Wrk:
    def __init__(self, folder):
        self.folder = folder
        self.get_script = folder / "get.lua"
        self.put_script = folder / "put.lua"
        self.get_script.write_text(_COMMON + _GET)
        self.put_script.write_text(_COMMON + _PUT)

    def get(self, host, pids, requests, connections, seconds, body_bytes):
        """GETs of the targets in the file `requests`, each answer at least a body long."""
        summary, sample = self._run(host, pids, self.get_script, connections, seconds,
                                    [requests, host])
        if summary["bytes"] < summary["requests"] * body_bytes:
            raise BenchError("wrk read fewer bytes than the answers must have")
        return summary, sample

    def put(self, host, pids, requests, prefix, filler, body_bytes, connections, seconds):
        return self._run(host, pids, self.put_script, connections, seconds,
                         [requests, host, prefix, filler, body_bytes])

    def _run(self, host, pids, script, connections, seconds, arguments):
        threads = min(THREADS, connections)
        command = ["wrk", "-t", threads, "-c", connections, "-d", f"{seconds}s", "--timeout", "60s",
                   "-s", script, f"http://{host}/", "--", *arguments]
        meter = Meter(pids).start()
        output, _ = run_tool(command, self.folder / "wrk.log", seconds + GRACE_SECONDS)
        meter.stop()
        summary = parse_output(output)
        count = summary["requests"]
        sample = meter.sample(count / (summary["microseconds"] / 1e6), count,
                              latency_us_p50=summary["p50"], latency_us_p99=summary["p99"])
        sample.client_cpu_us = summary["cpu_us"] / count  # without the reading of its lists
        return summary, sample
