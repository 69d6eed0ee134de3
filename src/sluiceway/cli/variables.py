"""`sluiceway variables`: texts that the SQL of jobs uses by name."""

import sys
from typing import Final

from sluiceway.cli import tables
from sluiceway.cli.answers import each
from sluiceway.cli.columns import Column, Kind
from sluiceway.cli.job_answers import Variable
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, Flag, commands, or_default
from sluiceway.cli.output import Failed
from sluiceway.cli.output_options import ColumnNames

VARIABLES: Final = Kind(
    Variable,
    (
        Column("variable", lambda one: one.var_name),
        Column("value", lambda one: "(sealed)" if one.is_sensitive else one.var_value),
        Column("sensitive", lambda one: tables.yes(one.is_sensitive), spare=True),
        Column("changed", lambda one: tables.when(one.update_time), spare=True),
        Column("made by", lambda one: one.user_name, spare=True),
    ),
    lambda one: one.var_name,
)
variables_app = commands("variables", "Name texts that SQL uses as {{name}}.")


@variables_app.command(name="list")
def list_(*, columns: ColumnNames = None, common: Common | None = None) -> int:
    """List the variables of the project. The values of sensitive ones are not shown.

    Example: `sluiceway variables list`
    """
    common = or_default(common)
    found = common.client().variables()
    return common.show(VARIABLES, found, {"variables": found}, columns)


@variables_app.command(name="set")
def set_(name: str, /, value: str | None = None, *, sensitive: Flag = False, common: Common | None = None) -> int:
    """Create a variable, or set its value. Jobs take it with their next start.

    Example: `sluiceway variables set topic orders`

    Parameters
    ----------
    name
        Up to 128 letters, digits and underscores; SQL uses it as {{name}}.
    value
        The text. Without it, it is read from standard input, which keeps it out of the shell's history.
    sensitive
        Seal the value, and never show it.
    """
    common = or_default(common)
    client = common.client()
    known = {variable.var_name: variable for variable in each(client.variables(), Variable)}
    if sensitive and name in known and not known[name].is_sensitive:
        raise Failed(
            t("{name} is not sensitive, and its value was shown. Delete it, then set it as a sensitive one.", name=name)
        )
    text = sys.stdin.read().removesuffix("\n") if value is None else value
    if name in known:
        client.update_variable(name, text)
    else:
        client.create_variable(name, text, sensitive=sensitive)
    done = (
        t("{name} is changed; jobs have it from their next start.", name=name)
        if name in known
        else t("{name} is created; jobs have it from their next start.", name=name)
    )
    return common.told({"var_name": name, "created": name not in known}, done, name)


@variables_app.command
def delete(name: str, /, *, common: Common | None = None) -> int:
    """Delete a variable. Running jobs go on; a job that uses it cannot be started again.

    Example: `sluiceway variables delete topic`
    """
    common = or_default(common)
    common.client().delete_variable(name)
    return common.told({"var_name": name, "deleted": True}, t("{name} is deleted.", name=name), name)
