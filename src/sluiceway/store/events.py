"""The audit: who did what, why and when. Events are only ever added; the database refuses to change or remove one."""

from typing import Any


def event(
    kind: str, at: int, project: str, *, job_id: int | None = None, who: str = "", detail: str = ""
) -> dict[str, Any]:
    """One event that a person brought about, as a row."""
    return {"kind": kind, "at": at, "project": project, "job_id": job_id, "who": who, "detail": detail}
