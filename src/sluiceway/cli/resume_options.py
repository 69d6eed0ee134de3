"""What a resume can be told, and the request that it becomes."""

from dataclasses import dataclass

from cyclopts import Parameter

from sluiceway.cli.options import Flag
from sluiceway.cli.output import Failed


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms jobs are resumed."""

    dry_run: Flag = False
    """Touch nothing; say for each job which state it would start from, and what time and the past have done to it."""

    drained: Flag = False
    """Resume also from savepoints of a stop with --drain: windows that it cut are written twice."""

    finished: Flag = False
    """Resume also jobs that have finished by themselves: rows are written again."""

    yes: Flag = False
    """Ask nothing, however many jobs there are."""

    def body(self) -> dict[str, object]:
        """The fields of the request."""
        allow = [name for name in ("drained", "finished") if getattr(self, name)]
        return ({"allow": allow} if allow else {}) | ({"dry_run": True} if self.dry_run else {})

    def refuse(self, way: str) -> None:
        """Refuse what has no meaning where nothing is resumed, or where a plan says it. Raises `Failed`."""
        if self.body():
            raise Failed(f"{way}, or leave out --dry-run, --drained and --finished.", code=2)
