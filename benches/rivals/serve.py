"""One rival in a process of its own: `serve.py ENGINE`. A JSON object a line comes in, and one goes out.

{"do": "open", "base": FVECS, "query": FVECS, "rows": N, "threads": T, "cache": FOLDER or null}
    builds the index of the first N rows, or takes it from the cache; its memory is what the process grew by
{"do": "search", "first": A, "count": C, "k": K, "ef": E, "threads": T, "permille": P or null}
    seconds for all C queries together, measured here, and the ids that were found

What fails is answered as {"error": TEXT}, and the process goes on.
"""

import ctypes
import gc
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from engines import ENGINES, timed


def read_fvecs(path, rows=None):
    with open(path, "rb") as file:
        dimension = int.from_bytes(file.read(4), "little")
    count = -1 if rows is None else rows * (dimension + 1)
    whole = np.fromfile(path, dtype="<f4", count=count)
    return np.ascontiguousarray(whole.reshape(-1, dimension + 1)[:, 1:])


def resident():
    """Bytes of this process in memory, after what was freed has gone back to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


class Server:
    def __init__(self, name):
        self.engine, self.scratch = ENGINES[name](), None

    def open(self, ask):
        self.queries, self.rows = read_fvecs(ask["query"]), ask["rows"]
        before = resident()
        folder, dimension = ask["cache"] and Path(f"{ask['cache']}-{self.engine.version}"), self.queries.shape[1]
        known = folder and folder / "built.json"
        fresh = not (known and known.exists())
        if not fresh:
            self.engine.load(folder, dimension, ask["threads"])
            built = json.loads(known.read_text())
        else:
            if folder is None:
                self.scratch = tempfile.TemporaryDirectory()
                folder = Path(self.scratch.name)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            rows = read_fvecs(ask["base"], ask["rows"])
            seconds, _ = timed(lambda: self.engine.build(rows, ask["threads"], folder))
            built = {"seconds": seconds, "version": self.engine.version}
            if known:
                self.engine.save(folder)
                known.write_text(json.dumps(built))
            del rows
        # What is only mapped counts once it is used.
        self.search({"first": 0, "count": len(self.queries), "k": 10, "ef": 64, "threads": 1, "permille": None})
        return built | {"bytes": max(resident() - before, 0), "fresh": fresh}

    def search(self, ask):
        queries = self.queries[ask["first"] : ask["first"] + ask["count"]]
        found = self.engine.search(queries, ask["k"], ask["ef"], ask["threads"], ask["permille"])
        if found is None:
            return {"unsupported": True}
        seconds, ids = found
        # Where fewer than k pass a filter, some fill up with numbers that are no rows.
        ids = [[int(one) for one in row if 0 <= one < self.rows] for row in ids]
        return {"seconds": seconds, "ids": ids}


def main():
    # Whatever a library prints goes elsewhere: standard output is the harness's.
    answers, sys.stdout = sys.stdout, sys.stderr
    server = Server(sys.argv[1])
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            answer = {"open": server.open, "search": server.search}[ask["do"]](ask)
        except Exception as error:  # The harness names it; this process may still be asked.
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
