"""Several scripts write sections of docs/performance.md."""

from collections.abc import Iterable, Sequence
from pathlib import Path
import re

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def make_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def write(text: str) -> None:
    """Write sections, each in its place or at the end, and keep the others."""
    sections = {}
    for content in (PAGE.read_text(), text):
        for section in filter(None, re.split("^(?=## )", content, flags=re.MULTILINE)):
            sections[section.partition("\n")[0]] = section.strip()
    PAGE.write_text("\n\n".join(sections.values()) + "\n")
