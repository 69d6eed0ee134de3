"""What a job reads and writes, as Flink's answer about it tells."""

from collections.abc import Mapping
from typing import Any

from sluiceway.domain.tables import Tables, named_by


def tables_of(job: Mapping[str, Any] | None) -> Tables | None:
    """From `GET /jobs/:id`; None before Flink shows the job's vertices."""
    vertices = job.get("vertices") if job else None
    if not isinstance(vertices, list):
        return None
    names = [vertex.get("name") for vertex in vertices if isinstance(vertex, dict)]
    known = [name for name in names if isinstance(name, str) and name]
    return named_by(known) if known else None
