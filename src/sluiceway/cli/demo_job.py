"""The jobs of the demo: each counts in a range of its own, so that a lost, repeated or foreign row is seen."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sluiceway.cli.language import t

RANGE: Final = 1_000_000  # between the first numbers of two jobs
ROWS: Final = 40_000  # of each job, at most; Flink holds them all in memory
PER_SECOND: Final = 50
CHECKPOINT_SECONDS: Final = 1  # rows are written out by checkpoints

_SQL: Final = """\
CREATE TABLE {table} (n BIGINT) WITH (
  'connector' = 'datagen',
  'rows-per-second' = '{rate}',
  'fields.n.kind' = 'sequence',
  'fields.n.start' = '{first}',
  'fields.n.end' = '{last}'
);
CREATE TABLE {table}_out (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');
INSERT INTO {table}_out SELECT n FROM {table};
"""


@dataclass(frozen=True, slots=True)
class Output:
    """What a job has written out for good."""

    rows: int
    fault: str = ""  # what is wrong with it


@dataclass(frozen=True, slots=True)
class DemoJob:
    """The job of this number, which writes under `outputs`."""

    number: int
    outputs: Path
    rows: int = ROWS
    per_second: int = PER_SECOND

    @property
    def name(self) -> str:
        """Its name."""
        return f"demo-{self.number:02}"

    @property
    def table(self) -> str:
        """What it reads."""
        return f"numbers_{self.number:02}"

    @property
    def first(self) -> int:
        """The first number that it writes."""
        return self.number * RANGE + 1

    def body(self) -> dict[str, object]:
        """DLI's fields to create it with."""
        sql = _SQL.format(
            table=self.table,
            rate=self.per_second + self.number,
            first=self.first,
            last=self.first + self.rows - 1,
            path=(self.outputs / self.name).absolute().as_uri(),
        )
        return {
            "name": self.name,
            "desc": f"Counts from {self.first}",
            "sql_body": sql,
            "checkpoint_enabled": True,
            "checkpoint_interval": CHECKPOINT_SECONDS,
        }

    def changed(self) -> str:
        """Its SQL with the column of its source renamed, whose name the state of the source has."""
        sql = str(self.body()["sql_body"])
        source, rest = sql.split(";", maxsplit=1)
        renamed = source.replace("(n BIGINT)", "(number BIGINT)").replace("'fields.n.", "'fields.number.")
        return f"{renamed};{rest.replace('SELECT n FROM', 'SELECT number FROM')}"

    def numbers(self) -> list[int]:
        """What it has written, in order. Hidden files are not yet written for good."""
        files = (self.outputs / self.name).glob("part-*")
        return sorted(int(line) for file in files for line in file.read_text().split())

    def output(self) -> Output:
        """Read what it has written, and check it."""
        return judge(self.numbers(), self.first)


def judge(numbers: list[int], first: int) -> Output:
    """Check sorted numbers against what a job writes that begins with `first` and neither loses nor repeats any."""
    if not numbers:
        return Output(0)
    fault = ""
    for place, number in enumerate(numbers):
        if number != first + place:
            fault = t("{number} where {expected} belongs", number=number, expected=first + place)
            break
    return Output(len(numbers), fault)
