"""Fidelity on real vaults: every note enriched, and every byte and property compared.

    python -m benchmarks.fidelity [--proposed] VAULT..

It works on copies, with a stub endpoint and `enrich --all`, through the command line. With
--proposed all is proposed first, which must touch nothing, and then accepted by `apply` in another
order, the description and the callout of a note mostly apart. It compares with means of its own:
lines, PyYAML and ruamel.yaml. Exits with 1 when a byte or a property changed elsewhere, something
that was proposed could not be accepted, or a second run did anything.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML

from benchmarks.daemon_process import read_objects
from benchmarks.made_vault import set_home, stub_tables
from benchmarks.stub_endpoint import MARK, Stub, running_stub

ADDED = re.compile(rf"(> \[!ai\] AI|> .*{MARK} .*|>|---|description: .*{MARK}.*|)")
ITEM = re.compile(r"[ \t]*- [\"']?(.*?)[\"']?")
PARTS = 8  # in which what is proposed is accepted


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("vaults", nargs="+", type=Path)
    parser.add_argument("--proposed", action="store_true", help="propose all, and then accept it")
    options = parser.parse_args()
    wrong = 0
    for vault in options.vaults:
        with tempfile.TemporaryDirectory() as folder, running_stub() as stub:
            set_home(Path(folder, "home"), {"endpoint": stub_tables(stub.base_url)["endpoint"]})
            wrong += check_vault(vault, Path(folder), stub, options.proposed)
    return 1 if wrong else 0


def check_vault(original: Path, folder: Path, stub: Stub, proposed: bool) -> int:
    copy = Path(shutil.copytree(original, folder / "vault", symlinks=True))
    began = time.perf_counter()
    results = propose_and_accept(copy) if proposed else enrich(copy)
    seconds = time.perf_counter() - began
    statuses = Counter(result["status"] for result in results)
    calls = stub.count_calls()
    print(
        f"{original.name}: {len(results)} notes in {seconds:.0f} s, {dict(statuses)}, {calls} calls"
    )
    reasons = Counter(
        re.sub(r"\(.*|“.*”|`.*`", "", result["reason"] or "no reason")
        for result in results
        if result["status"] != "enriched"
    )
    for reason, number in reasons.most_common():
        print(f"    {number:>6}  {reason}")
    before = snapshot(copy)
    again = enrich(copy)
    repeated = sum(bool(result["status"] == "enriched") for result in again)
    repeated += stub.count_calls() - calls + (snapshot(copy) != before)
    changed = {
        result["path"]: {item for change in result["changes"] for item in change["text"]}
        for result in results
        if result["status"] == "enriched"
    }
    faults = [
        (path, why)
        for path, items in changed.items()
        if (why := compare(original / path, copy / path, items))
    ]
    untouched = {result["path"] for result in results} - changed.keys()
    faults += [
        (path, "was touched")
        for path in untouched
        if (original / path).is_file() and read(original / path) != read(copy / path)
    ]
    unexplained = int(reasons["no reason"])
    waiting = statuses["proposed"] + statuses["refused"]
    if waiting:
        print(f"    {waiting} notes of which something that was proposed could not be accepted")
    print(f"    {len(faults)} with a byte or property changed elsewhere; second run: {repeated}")
    for fault in faults[:10]:
        print("   ", *fault)
    return len(faults) + repeated + unexplained + waiting


def enrich(vault: Path, *options: str) -> list[dict[str, Any]]:
    return read_objects(vault, "enrich", ".", "--all", "--yes", *options)


def propose_and_accept(vault: Path) -> list[dict[str, Any]]:
    """Return the results for the notes, once all that was proposed was accepted, in any order.

    A note of which something could not be accepted is `refused`, with the reason.
    """
    before = snapshot(vault)
    results = {each["path"]: each for each in enrich(vault, "--propose")}
    if snapshot(vault) != before:
        sys.exit("a note was touched before anything was accepted")
    ids = [id_ for result in results.values() for id_ in result["proposals"]]
    for result in results.values():
        result["changes"] = []
    random.Random(1).shuffle(ids)
    for part in range(PARTS):
        words = ["apply", *map(str, ids[part::PARTS])]
        for done in read_objects(vault, *words) if len(words) > 1 else ():
            result = results[done["path"]]
            result["changes"] += done["changes"]
            if result["status"] in ("proposed", "enriched"):
                result["status"] = "enriched" if done["status"] == "enriched" else "refused"
                result["reason"] = done["reason"]
    written = sum(len(result["changes"]) for result in results.values())
    print(f"{len(ids)} proposals, accepted in {PARTS} parts: {written} are written")
    return list(results.values())


def compare(old: Path, new: Path, items: set[str]) -> str:
    """Return what is wrong with the new note; empty when only what was to be filled is new.

    items: what lists were filled with.
    """
    before, after = read(old), read(new)
    return compare_lines(before, after, items) or compare_properties(before, after)


def compare_lines(before: str, after: str, items: set[str]) -> str:
    """Every old line must stand in the new text, in order, with nothing but filled lines between.

    The line of an empty description may have gained its value.
    """
    rest = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", before)
    for line in re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", after):
        if rest and (line == rest[0] or is_filled(rest[0], line)):
            rest.pop(0)
        elif rest and len(rest) == 1 and line.rstrip("\r\n") == rest[0]:
            rest.pop(0)  # the last line had no end, and something follows it now
        elif (item := ITEM.fullmatch(line.rstrip("\r\n"))) and item[1] in items:
            continue
        elif not ADDED.fullmatch(line.rstrip("\r\n")):
            return f"gained {line!r}"
    return f"lost {rest[0]!r}" if rest else ""


def is_filled(old: str, new: str) -> bool:
    """Whether an empty property's line, or an empty item's, became a filled one."""
    if MARK not in new and "description" in old:
        return False
    found = re.match(
        r"([^:#]+:|\s*-)[ \t]*(?:\"\"|''|null|~|\[\])?([ \t]*(?:#.*)?)$", old.rstrip("\r\n")
    )
    if not found:
        return False
    return new.startswith(found[1]) and new.rstrip("\r\n").endswith(found[2])


def compare_properties(before: str, after: str) -> str:
    for read_yaml in (yaml.safe_load, YAML(typ="safe", pure=True).load):
        old, new = (properties(text, read_yaml) for text in (before, after))
        if isinstance(old, Exception):
            continue  # ruamel.yaml refuses what PyYAML takes: compared by the other one
        if isinstance(new, Exception):
            return f"can no longer be read: {new}"
        for name, value in old.items():
            if new.get(name) != value and not is_empty(value):
                return f"property {name}: {value!r} became {new.get(name)!r}"
        gained = set(new) - set(old)
        if gained - {"description"}:
            return f"gained {gained}"
    return ""


def properties(text: str, read_yaml: Any) -> Any:
    found = re.match(r"\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*$", text, re.DOTALL | re.MULTILINE)
    try:
        return (read_yaml(found[1]) or {}) if found else {}
    except Exception as error:
        return error


def is_empty(value: object) -> bool:
    return value is None or value == [] or value == [None] or not str(value).strip()


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def snapshot(vault: Path) -> dict[str, tuple[int, int]]:
    files = (path for path in vault.rglob("*.md") if path.is_file())
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


if __name__ == "__main__":
    sys.exit(main())
