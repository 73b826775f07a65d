#!/usr/bin/env python3
"""Packs the integration for a release: script/release.py <tag> <zip>."""

import json
from pathlib import Path
import re
import shutil
import sys
from tempfile import TemporaryDirectory

INTEGRATION = Path(__file__).parents[1] / "custom_components" / "cryptocloud"


def pack(version: str, target: Path) -> None:
    """Write a flat zip whose manifest has the version."""
    with TemporaryDirectory() as folder:
        copy = Path(folder, "cryptocloud")
        shutil.copytree(INTEGRATION, copy, ignore=shutil.ignore_patterns("__pycache__"))
        manifest = copy / "manifest.json"
        content = json.loads(manifest.read_text()) | {"version": version}
        manifest.write_text(json.dumps(content, indent=2) + "\n")
        shutil.make_archive(str(target.with_suffix("")), "zip", copy)


def main() -> None:
    """Pack the release a tag names."""
    if len(sys.argv) != 3:
        sys.exit("usage: script/release.py <tag> <zip>")
    tag, target = sys.argv[1:]
    version = re.fullmatch(r"v(\d+\.\d+\.\d+(b\d+)?)", tag)
    if not version:
        sys.exit(f"script/release.py: not like v1.2.3 or v1.2.3b1: {tag}")
    pack(version[1], Path(target))


if __name__ == "__main__":
    main()
