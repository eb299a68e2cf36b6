"""A rival's server: `servers.py chroma` or `servers.py pgvector`. Speaks as `serve.py` does, and

{"do": "open", …} answers where to ask, too ("url"): a URL, or what Postgres' clients take
{"do": "search", …} sets the breadth of the walk, and answers through the server, one query after the other
{"do": "load", "clients": C, "seconds": S} has that many clients ask for so long (pgvector only: `pgbench`, Postgres'
    own client, with prepared statements; the query vectors lie in the database)
"""

import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from engines import EF_CONSTRUCTION, M, timed
from serve import read_fvecs


class Chroma:
    def open(self, ask):
        import chromadb

        self.folder = tempfile.mkdtemp()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        program = Path(sys.executable).with_name("chroma")
        run = [program, "run", "--path", self.folder, "--host", "127.0.0.1", "--port", str(port)]
        quiet = os.environ | {"ANONYMIZED_TELEMETRY": "False"}
        self.server = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=quiet)
        for _ in range(300):
            try:
                self.client = chromadb.HttpClient(host="127.0.0.1", port=port)
                break
            except Exception:  # Not up yet.
                time.sleep(0.1)
        hnsw = {"space": "ip", "max_neighbors": M, "ef_construction": EF_CONSTRUCTION, "num_threads": ask["threads"]}
        self.collection = self.client.create_collection("bench", configuration={"hnsw": hnsw}, embedding_function=None)
        self.queries = read_fvecs(ask["query"])
        rows = read_fvecs(ask["base"], ask["rows"])
        seconds, _ = timed(lambda: self.fill(rows))
        url = f"http://127.0.0.1:{port}/api/v2/tenants/default_tenant/databases/default_database/collections/"
        return {
            "seconds": seconds,
            "bytes": 0,
            "version": version("chromadb"),
            "url": f"{url}{self.collection.id}/query",
        }

    def fill(self, rows):
        for first in range(0, len(rows), 1000):
            part = rows[first : first + 1000]
            self.collection.add(ids=[str(first + index) for index in range(len(part))], embeddings=part)

    def search(self, ask):
        self.collection.modify(configuration={"hnsw": {"ef_search": ask["ef"]}})
        queries = self.queries[ask["first"] : ask["first"] + ask["count"]]

        def one(query):
            found = self.collection.query(query_embeddings=query[None], n_results=ask["k"], include=[])
            return [int(one) for one in found["ids"][0]]

        seconds, ids = timed(lambda: [one(query) for query in queries])
        return {"seconds": seconds, "ids": ids}

    def end(self):
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Pgvector:
    def open(self, ask):
        import pgserver
        import psycopg

        # A short path, since the socket lies in it; Postgres runs as a user of its own where this runs as root.
        self.folder = tempfile.mkdtemp(dir="/tmp")
        os.chmod(self.folder, 0o755)
        self.threads = ask["threads"]
        self.server = pgserver.get_server(self.folder + "/data")
        self.programs = Path(pgserver.__file__).parent / "pginstall/bin"
        self.link = psycopg.connect(self.server.get_uri(), autocommit=True)
        self.queries = read_fvecs(ask["query"])
        rows = read_fvecs(ask["base"], ask["rows"])
        run = self.link.execute
        run("CREATE EXTENSION vector")
        run("SET maintenance_work_mem = '1GB'")
        run(f"SET max_parallel_maintenance_workers = {ask['threads']}")
        # The passages are those that our worker has.
        texts = Path(ask["base"]).with_suffix(".txt")
        bodies = texts.read_text().splitlines()[: len(rows)] if texts.exists() else []
        bodies += ["a passage that was made up"] * (len(rows) - len(bodies))
        for table, vectors in (("items", rows), ("queries", self.queries)):
            run(f"CREATE TABLE {table} (id int PRIMARY KEY, v vector({rows.shape[1]}), body text)")
            with self.link.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                for index, row in enumerate(vectors):
                    copy.write_row((index, json.dumps(row.tolist()), bodies[index] if table == "items" else None))
        settings = f"m = {M}, ef_construction = {EF_CONSTRUCTION}"
        seconds, _ = timed(lambda: run(f"CREATE INDEX ON items USING hnsw (v vector_ip_ops) WITH ({settings})"))
        run("VACUUM ANALYZE")
        found = run("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()[0]
        postgres = run("SHOW server_version").fetchone()[0]
        return {
            "seconds": seconds,
            "bytes": 0,
            "version": f"{found} (Postgres {postgres})",
            "url": f"host={self.host()} user=postgres dbname=postgres",
        }

    def host(self):
        return self.server.get_uri().split("host=")[1]

    QUERY = "SELECT id FROM items ORDER BY v <#> (SELECT v FROM queries WHERE id = {}) LIMIT {}"

    def search(self, ask):
        self.link.execute(f"ALTER SYSTEM SET hnsw.ef_search = {ask['ef']}")
        self.link.execute(f"SET hnsw.ef_search = {ask['ef']}")
        self.link.execute("SELECT pg_reload_conf()")
        self.k = ask["k"]

        def one(query):
            return [row[0] for row in self.link.execute(self.QUERY.format(query, self.k)).fetchall()]

        numbers = range(ask["first"], ask["first"] + ask["count"])
        seconds, ids = timed(lambda: [one(query) for query in numbers])
        return {"seconds": seconds, "ids": ids}

    def load(self, ask):
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        script = folder / "query.sql"
        script.write_text(f"\\set query random(0, {len(self.queries) - 1})\n{self.QUERY.format(':query', self.k)};\n")
        run = [self.programs / "pgbench", "-n", "-M", "prepared", "-f", script, "-l", f"--log-prefix={folder}/log"]
        run += ["-c", str(ask["clients"]), "-j", str(self.threads)]
        run += ["-T", str(max(1, round(ask["seconds"])))]
        seconds, _ = timed(
            lambda: subprocess.run([*run, "-h", self.host(), "-U", "postgres", "postgres"], check=True, capture_output=True)
        )
        lines = [line.split() for log in folder.glob("log*") for line in log.read_text().splitlines()]
        shutil.rmtree(folder)
        latencies = np.array([float(line[2]) * 1e-6 for line in lines])
        # Connecting is not asking: the time is that from the first answer's begin to the last one's end.
        ends = np.array([float(line[4]) + float(line[5]) * 1e-6 for line in lines])
        return {"seconds": float(ends.max() - (ends - latencies).min()), "latencies": latencies.tolist()}

    def end(self):
        self.link.close()
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    answers, sys.stdout = sys.stdout, sys.stderr
    server = {"chroma": Chroma, "pgvector": Pgvector}[sys.argv[1]]()
    atexit.register(server.end)
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            answer = getattr(server, ask["do"])(ask)
        except Exception as error:  # The harness names it.
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
