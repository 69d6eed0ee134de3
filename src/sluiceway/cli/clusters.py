"""`sluiceway clusters`: registering the places where jobs run; changing, trying, draining and removing them."""

from functools import partial
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from sluiceway.cli import tables
from sluiceway.cli.answers import each, read
from sluiceway.cli.choice import Choice
from sluiceway.cli.cluster_answers import (
    CLUSTERS,
    JARS,
    OF_ADDRESSES,
    Cluster,
    ClusterFile,
    Clusters,
    Jars,
    Tried,
    addresses,
    findings,
    lines,
)
from sluiceway.cli.cluster_options import Opening, labels
from sluiceway.cli.language import t
from sluiceway.cli.move_options import Going
from sluiceway.cli.moves import carried_out
from sluiceway.cli.options import Common, Flag, Names, check_wait, commands, ids_or_names, or_default
from sluiceway.cli.output import Failed, complain, say
from sluiceway.cli.output_options import ColumnNames
from sluiceway.cli.stop_options import Sending

Kind = Literal["session", "application"]

clusters_app = commands("clusters", "Register Flink clusters, and see which answer.")


@clusters_app.command(name="list")
def list_(*, columns: ColumnNames = None, common: Common | None = None) -> int:
    """List the clusters that the project may use, and whether they answer.

    `application (found)` goes with its jobs, as its JobManager says, and is registered otherwise.

    With --adopt none nobody asks a cluster without jobs: `sluiceway clusters test NAME` does.

    Example: `sluiceway clusters list`
    """
    common = or_default(common)
    found = read(common.client().clusters().data, Clusters)
    code = common.show(CLUSTERS, found.clusters, {"clusters": found.clusters, "files": found.files}, columns)
    if common.words:
        _complain(found)
    return code


@clusters_app.command
def show(name: str, /, *, columns: ColumnNames = None, common: Common | None = None) -> int:
    """Show one cluster: where it is, who may use it, how it is protected, and why it does not answer.

    Example: `sluiceway clusters show prod`
    """
    common = or_default(common)
    return _tell(common, common.client().cluster(name).data, columns)


@clusters_app.command
def jars(name: str, /, *, columns: ColumnNames = None, common: Common | None = None) -> int:
    """List the jars that others have uploaded to a cluster, the newest first: a job can be made of them.

    `sluiceway jobs program` does that. Exits with 1 when nobody can tell now.

    Example: `sluiceway clusters jars prod`
    """
    common = or_default(common)
    data = common.client().cluster_jars(name).data
    found = read(data, Jars)
    if found.reason and not common.json:
        complain(found.reason)
    else:
        common.show(JARS, found.jars, data, columns)
    return int(bool(found.reason))


@clusters_app.command
def add(
    name: str,
    address: Annotated[tuple[str, ...], Parameter(negative=())],
    /,
    *,
    kind: Kind = "session",
    label: Names = (),
    only_for: Names = (),
    max_savepoints: int | None = None,
    opening: Opening | None = None,
    common: Common | None = None,
) -> int:
    """Register a cluster. Jobs may be put there at once, and no service has to start again.

    Needs the role admin in every project. Passwords and headers are sealed, and never shown.

    Example: `sluiceway clusters add prod http://jm-1:8081 http://jm-2:8081 --label env=prod`

    Parameters
    ----------
    name
        What jobs call it: up to 128 letters, digits and . _ -. DLI's API calls it a queue.
    address
        Of the REST API of its JobManager; where several stand by for each other, of each. A path is kept.
    kind
        session takes jobs; application runs those of one program, and goes with them.
    label
        KEY=VALUE; may be repeated.
    only_for
        A project that may use it; may be repeated. Default: all.
    max_savepoints
        Savepoints that may be under way there at once. Default: the service's setting.
    """
    common = or_default(common)
    body: dict[str, Any] = {"name": name, "addresses": list(address), "kind": kind}
    body |= {"labels": labels(label), "projects": list(only_for), "max_savepoints": max_savepoints}
    body |= (opening or Opening()).body(name)
    made = common.client().add_cluster(body).data
    text = t("Cluster {name} is registered. See what works there: sluiceway clusters test {name}", name=name)
    return common.told(made, text, name)


@clusters_app.command
def edit(
    name: str,
    /,
    *,
    address: Names = (),
    kind: Kind | None = None,
    label: Names = (),
    no_labels: Flag = False,
    only_for: Names = (),
    for_all: Flag = False,
    max_savepoints: int | None = None,
    opening: Opening | None = None,
    open_: Annotated[bool, Parameter(name="--open", negative=(), show_default=False)] = False,
    common: Common | None = None,
) -> int:
    """Change a cluster; what is not named stays. It holds at once, in every service on the database.

    Needs the role admin in every project.

    Example: `sluiceway clusters edit prod --address http://jm-3:8081 --label env=prod`

    Parameters
    ----------
    name
        The cluster's name.
    address
        In place of the addresses that it has; several after one another.
    label
        KEY=VALUE, in place of the labels that it has.
    no_labels
        Take its labels away.
    only_for
        The projects that may use it, in place of those that might.
    for_all
        Let all projects use it.
    max_savepoints
        Savepoints that may be under way there at once.
    open_
        Forget headers, user, password and certificates, before others that are given here.
    """
    common = or_default(common)
    named: dict[str, Any] = {"addresses": list(address), "kind": kind, "labels": labels(label)}
    named |= {"projects": list(only_for), "max_savepoints": max_savepoints}
    change = {field: value for field, value in named.items() if value}
    change |= ({"labels": {}} if no_labels else {}) | ({"projects": []} if for_all else {})
    change |= {"headers": {}, **dict.fromkeys(("basic", "ca", "certificate", "key"))} if open_ else {}
    change |= (opening or Opening()).body(name)
    if not change:
        raise Failed(t("Nothing to change was named. See sluiceway clusters edit --help."), code=2)
    return _tell(common, common.client().edit_cluster(name, change).data)


@clusters_app.command
def drain(
    name: str,
    /,
    *,
    to: str | None = None,
    undo: Flag = False,
    yes: Flag = False,
    going: Going | None = None,
    sending: Sending | None = None,
    common: Common | None = None,
) -> int:
    """Let no job be started on a cluster any more; with --to, move the project's jobs to another one.

    Without --to, what runs there runs on, and can be stopped or moved. With it, it asks as `sluiceway move` does, and
    the exit code is that of `sluiceway move`. Needs the role admin in every project.

    Example: `sluiceway clusters drain old --to new --max-parallel 10 --abort-when 3 --wait`

    Parameters
    ----------
    name
        The cluster's name.
    to
        The cluster to move the project's jobs to.
    undo
        Let jobs be started there again.
    yes
        Ask nothing.
    """
    common, going, sending = or_default(common), going or Going(), sending or Sending()
    check_wait(sending.timeout, wait=sending.wait)
    client = common.client()
    how = going.body(partial(ids_or_names, client))
    if to is None and (how or sending != Sending() or yes):
        raise Failed(t("Without --to nothing is moved: leave out how to move it, and --wait."), code=2)
    if undo and to is not None:
        raise Failed(t("--undo lets jobs be started there again, and moves none."), code=2)
    if to is not None:

        def close() -> None:
            client.edit_cluster(name, {"draining": True})
            if common.words:
                say(t("No job is started on {name} any more.", name=name))

        body = how | {"select": Choice(cluster=(name,)).body(), "to": to}
        return carried_out(client, body, None, sending, common, yes=yes, first=close)
    data = client.edit_cluster(name, {"draining": not undo}).data
    if undo:
        return common.told(data, t("Jobs may be started on {name} again.", name=name), name)
    return common.told(data, lambda: _drained(read(data, Cluster)), name)


@clusters_app.command
def remove(name: str, /, *, force: Flag = False, common: Common | None = None) -> int:
    """End a cluster's registration. Jobs keep their history; Flink itself is not touched.

    Needs the role admin in every project.

    Example: `sluiceway clusters remove old`

    Parameters
    ----------
    name
        The cluster's name.
    force
        Also while jobs may run there: they run on, and what is open waits until the name is registered again.
    """
    common = or_default(common)
    data = common.client().remove_cluster(name, force=force).data
    return common.told(data, t("Cluster {name} is no longer registered.", name=name), name)


@clusters_app.command(name="test")
def try_(  # not `test`, which pytest would take for one
    what: Annotated[tuple[str, ...], Parameter(negative=())],
    /,
    *,
    opening: Opening | None = None,
    common: Common | None = None,
) -> int:
    """Ask a cluster once what works there: each address, Flink's version, slots, jars, and the service's storage.

    Exits with 1 where nothing answers, the addresses are of several clusters, or the cluster does not see the storage.
    Needs the role admin in every project, as the service asks whatever address it is given.

    Example: `sluiceway clusters test http://jobmanager:8081`

    Parameters
    ----------
    what
        The name of a registered cluster; or the address of a JobManager, or of each of one cluster.
    """
    common = or_default(common)
    if len(what) == 1 and "://" not in what[0]:
        if opening:
            name = what[0]
            raise Failed(t("{name} is a registered cluster, and is opened as it is registered.", name=name), code=2)
        data = common.client().try_cluster(what[0]).data
    else:
        body = {"addresses": list(what), **(opening or Opening()).body(t("the cluster"))}
        data = common.client().try_addresses(body).data
    found = read(data, Tried)
    common.told(data, lambda: _tried(found))
    return 0 if found.answers and found.same_cluster and found.storage != "no" else 1


def _tell(common: Common, data: Any, columns: str | None = None) -> int:
    cluster = read(data, Cluster)
    common.one(data, ("cluster", cluster.name), lambda: lines(cluster), columns)
    return 0


def _complain(found: Clusters) -> None:
    for file in each(found.files, ClusterFile):
        if file.trouble:
            complain(
                t(
                    "{path} is not taken since {since}, and what it held stays: {trouble}",
                    path=file.path,
                    since=tables.moment(file.since),
                    trouble=file.trouble,
                )
            )


def _drained(cluster: Cluster) -> None:
    name = cluster.name
    say(t("No job is started on {name} any more.", name=name))
    if left := cluster.runs:
        say(
            t(
                "{jobs} may run there. In each project that has some, move them:\n"
                "  sluiceway move --from {name} --to ANOTHER --wait\n"
                "or stop them, each with a savepoint: sluiceway stop --queue {name} --wait",
                jobs=tables.jobs(left),
                name=name,
            )
        )


def _tried(found: Tried) -> None:
    tables.table(OF_ADDRESSES, addresses(found))
    say("")
    tables.table(["what", "works", "note"], findings(found))
