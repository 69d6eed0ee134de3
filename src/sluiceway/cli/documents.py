"""Answers for programs: JSON, JSON on one line, and YAML. What a terminal would obey stands there as an escape."""

import json
import sys
from typing import Any, Literal

from sluiceway.cli.output import visible

Document = Literal["json", "jsonl", "yaml"]


def write(data: Any, form: Document) -> None:
    """One document on standard output, at once, and nothing added to it."""
    text = _yaml(data) if form == "yaml" else _json(data, indent=2 if form == "json" else None) + "\n"
    sys.stdout.write(text)
    sys.stdout.flush()


def write_next(data: Any, form: Document) -> None:
    """One of several documents: JSON on a line of its own, or a document of a YAML stream."""
    if form == "yaml":
        sys.stdout.write("---\n")
    write(data, "yaml" if form == "yaml" else "jsonl")


def _json(data: Any, indent: int | None) -> str:
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    return text if visible(text) == text else "".join(_escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return letter if visible(letter) == letter else json.dumps(letter)[1:-1]


def _yaml(data: Any) -> str:
    import yaml  # only where it is asked for: it takes a while to load

    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    return text if visible(text) == text else str(yaml.safe_dump(data, sort_keys=False, width=120))
