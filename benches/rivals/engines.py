"""The rivals, each as its documentation says to use it: M 16, efConstruction 200, inner product of unit vectors.

An engine builds from float32 rows (`build`), keeps itself in a folder (`save`, `load`), and answers a block of queries
(`search`): seconds and a list of ids for each. Only the engine's own calls are timed: queries are in its form before,
and ids are taken from its answers afterwards. Batch calls are used wherever there are any.

A filter lets through the rows whose number modulo 1000 is below `permille`: rows are in random order.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import numpy as np

M = 16
EF_CONSTRUCTION = 200


def timed(work):
    begin = time.perf_counter()
    done = work()
    return time.perf_counter() - begin, done


def allowed(rows, permille):
    return np.arange(rows) % 1000 < permille


class Hnswlib:
    def __init__(self):
        import hnswlib

        self.lib, self.version = hnswlib, version("hnswlib")

    def build(self, rows, threads, _folder):
        self.index = self.lib.Index(space="ip", dim=rows.shape[1])
        self.index.init_index(max_elements=len(rows), M=M, ef_construction=EF_CONSTRUCTION)
        self.index.add_items(rows, np.arange(len(rows)), num_threads=threads)

    def save(self, folder):
        self.index.save_index(str(folder / "index"))

    def load(self, folder, dimension, _threads):
        self.index = self.lib.Index(space="ip", dim=dimension)
        self.index.load_index(str(folder / "index"))

    def search(self, queries, k, ef, threads, permille):
        if permille is not None:
            return None  # Its filter is a Python function, called for each row that is visited.
        self.index.set_ef(ef)
        return timed(lambda: self.index.knn_query(queries, k, num_threads=threads)[0])


class FaissHnsw:
    def __init__(self):
        import faiss

        self.lib, self.version = faiss, version("faiss-cpu")

    def build(self, rows, threads, _folder):
        self.lib.omp_set_num_threads(threads)
        self.index = self.lib.IndexHNSWFlat(rows.shape[1], M, self.lib.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = EF_CONSTRUCTION
        self.index.add(rows)

    def save(self, folder):
        self.lib.write_index(self.index, str(folder / "index"))

    def load(self, folder, _dimension, _threads):
        self.index = self.lib.read_index(str(folder / "index"))

    def parameters(self, ef, selector):
        return self.lib.SearchParametersHNSW(efSearch=ef, sel=selector)

    def search(self, queries, k, ef, threads, permille):
        self.lib.omp_set_num_threads(threads)
        selector = None
        if permille is not None:
            self.bits = np.packbits(allowed(self.index.ntotal, permille), bitorder="little")
            selector = self.lib.IDSelectorBitmap(self.bits)
        parameters = self.parameters(ef, selector)
        return timed(lambda: self.index.search(queries, k, params=parameters)[1])


class FaissFlat(FaissHnsw):
    def build(self, rows, threads, _folder):
        self.lib.omp_set_num_threads(threads)
        self.index = self.lib.IndexFlatIP(rows.shape[1])
        self.index.add(rows)

    def parameters(self, _ef, selector):
        return self.lib.SearchParameters(sel=selector)


class Usearch:
    def __init__(self, dtype):
        import usearch.index

        self.lib, self.version, self.dtype = usearch.index, version("usearch"), dtype

    def empty(self, dimension):
        # Codes of 8 bits are made from normalised vectors only under the cosine metric.
        metric = "cos" if self.dtype == "i8" else "ip"
        return self.lib.Index(
            ndim=dimension, metric=metric, dtype=self.dtype, connectivity=M, expansion_add=EF_CONSTRUCTION
        )

    def build(self, rows, threads, _folder):
        self.index = self.empty(rows.shape[1])
        self.index.add(np.arange(len(rows)), rows, threads=threads)

    def save(self, folder):
        self.index.save(str(folder / "index"))

    def load(self, folder, dimension, _threads):
        self.index = self.empty(dimension)
        self.index.load(str(folder / "index"))

    def search(self, queries, k, ef, threads, permille):
        if permille is not None:
            return None  # The Python package has no filter.
        self.index.expansion_search = ef
        seconds, found = timed(lambda: self.index.search(queries, k, threads=threads))
        return seconds, found.keys


class Qdrant:
    """Qdrant's engine: one segment, everything in memory; `int8` adds its scalar quantisation with rescoring."""

    def __init__(self, int8):
        import qdrant_edge

        self.lib, self.version, self.int8 = qdrant_edge, version("qdrant-edge-py"), int8

    def build(self, rows, threads, folder):
        lib, ram = self.lib, self.lib.Memory.Cached
        quantization = None
        if self.int8:
            kind = lib.ScalarType.Int8
            quantization = lib.ScalarQuantizationConfig(kind, quantile=0.99, memory=lib.Memory.Pinned)
        graph = lib.HnswIndexConfig(M, EF_CONSTRUCTION, 10_000, max_indexing_threads=threads, memory=lib.Memory.Pinned)
        vector = lib.EdgeVectorParams(rows.shape[1], lib.Distance.Dot, memory=ram, quantization_config=quantization)
        config = lib.EdgeConfig(
            vectors=vector,
            hnsw_config=graph,
            payload_memory=ram,
            wal_enabled=False,
            # One segment: more would each have to be searched.
            optimizers=lib.EdgeOptimizersConfig(
                default_segment_number=1, indexing_threshold=1000, max_segment_size=100_000_000
            ),
        )
        self.shard = lib.EdgeShard.create(str(folder / "shard"), config)
        schema = lib.PayloadSchemaType.Integer
        self.shard.update(lib.UpdateOperation.create_field_index("bucket", schema))
        for first in range(0, len(rows), 1000):
            points = [
                lib.Point(first + offset, row.tolist(), {"bucket": (first + offset) % 1000})
                for offset, row in enumerate(rows[first : first + 1000])
            ]
            self.shard.update(lib.UpdateOperation.upsert_points(points))
        self.shard.optimize()
        self.shard.flush()

    def save(self, folder):
        pass  # It lives in its folder.

    def load(self, folder, _dimension, _threads):
        self.shard = self.lib.EdgeShard.load(str(folder / "shard"))

    def search(self, queries, k, ef, threads, permille):
        lib, chosen = self.lib, None
        if permille is not None:
            below = lib.FieldCondition("bucket", range=lib.RangeFloat(lt=permille))
            chosen = lib.Filter(must=[below])
        rescored = lib.QuantizationSearchParams(rescore=True, oversampling=2.0) if self.int8 else None
        parameters = lib.SearchParams(hnsw_ef=ef, quantization=rescored)
        requests = [
            lib.QueryRequest(limit=k, query=lib.Query.Nearest(row.tolist()), filter=chosen, params=parameters)
            for row in queries
        ]
        blocks = [lib.QueryBatchRequest(requests[part::threads]) for part in range(threads)]
        if threads == 1:
            seconds, answers = timed(lambda: [self.shard.query_batch(blocks[0])])
        else:
            with ThreadPoolExecutor(threads) as pool:
                seconds, answers = timed(lambda: list(pool.map(self.shard.query_batch, blocks)))
        found = [None] * len(requests)
        for part, block in enumerate(answers):
            for place, hits in enumerate(block):
                found[part + place * threads] = [hit.id for hit in hits]
        return seconds, found


ENGINES = {
    "hnswlib": Hnswlib,
    "faiss": FaissHnsw,
    "faiss-flat": FaissFlat,
    "usearch-f32": lambda: Usearch("f32"),
    "usearch-f16": lambda: Usearch("f16"),
    "usearch-i8": lambda: Usearch("i8"),
    "qdrant": lambda: Qdrant(False),
    "qdrant-int8": lambda: Qdrant(True),
}
