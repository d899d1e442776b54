"""Makes vectors with the real json-logic-js: `python -m tests.unit.rules.reference.generate --count 50000 --compare`.

It needs node and npm; the library is installed into a temporary folder. With --compare every vector is compared with
our scalar evaluator; with --write PATH they are kept.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.unit.rules.random_rules import RandomRules
from tests.unit.rules.reference.vectors import differs

LIBRARY = "json-logic-js@2.0.5"


def run_reference(pairs: list[tuple[Any, Any]]) -> list[dict[str, Any]]:
    """What json-logic-js says to each (rule, data): {"value": ...} with odd numbers tagged, or {"error": message}."""
    lines = "".join(json.dumps({"rule": rule, "data": data}) + "\n" for rule, data in pairs)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "install", "--silent", "--prefix", folder, LIBRARY], check=True)
        script = Path(folder, "reference.js")
        script.write_text(Path(__file__).with_name("reference.js").read_text())
        done = subprocess.run(["node", script], input=lines, capture_output=True, text=True, check=True, cwd=folder)
    return [json.loads(line) for line in done.stdout.rstrip("\n").split("\n")]  # a text may hold other ends of lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    rules = RandomRules(options.seed)
    pairs = [(rules.rule(options.depth), rules.document()) for _ in range(options.count)]
    answers = run_reference(pairs)
    vectors = [{"rule": rule, "data": data, **answer} for (rule, data), answer in zip(pairs, answers, strict=True)]
    if options.write:
        options.write.write_text("".join(json.dumps(vector) + "\n" for vector in vectors))
    wrong = [found for vector in vectors if options.compare and (found := differs(vector))]
    sys.stdout.write("\n".join(wrong[:20]) + f"\n{len(vectors)} vectors, {len(wrong)} differ\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
