"""How jobs go on after a stop that this service did not make: the commands, and the jars that their clusters have."""

import shlex
from collections.abc import Sequence
from typing import Final

from sluiceway.cli.answers import each, read
from sluiceway.cli.client import Client
from sluiceway.cli.cluster_answers import Jar, Jars
from sluiceway.cli.language import t
from sluiceway.cli.order_answers import Stop, StopView
from sluiceway.cli.output import Failed, say

MOST: Final = 20  # commands, and clusters, that are shown


def tell(client: Client, stop: Stop) -> None:
    """Say how to start those again whose program nobody knows here."""
    theirs = [view for view in stop.jobs if view.start_again]
    if not theirs:
        return
    say(t("\nSomebody else has started these. Start them again, each with its own class, jar and arguments:"))
    for view in theirs[:MOST]:
        say(f"  {view.name}: {view.start_again}")
    if len(theirs) > MOST:
        more = len(theirs) - MOST
        say(t("  and {more} more: sluiceway stops show {id} --json", more=more, id=stop.id))
    _tell_jars(client, theirs)


def _tell_jars(client: Client, theirs: Sequence[StopView]) -> None:
    """The jars from which the service could start them itself."""
    clusters = list(dict.fromkeys(view.queue for view in theirs))
    found = {cluster: jars for cluster in clusters[:MOST] if (jars := _jars(client, cluster))}
    if not found:
        return
    say(t("Or have the service start them from a jar that their cluster still has:"))
    for cluster, names in found.items():
        told = ", ".join(names[:MOST]) + (" …" if len(names) > MOST else "")
        say(t("  {cluster} has {jars}", cluster=cluster, jars=told))
    first = next(view for view in theirs if view.queue in found)
    jar = shlex.quote(found[first.queue][0])
    job = shlex.quote(first.name)
    say(t("  sluiceway jobs program {job} --jar-of-cluster {jar} --class MAIN_CLASS -- ARGUMENTS", job=job, jar=jar))


def _jars(client: Client, cluster: str) -> list[str]:
    """None where nobody knows: it is an offer, and no part of the answer."""
    try:
        return list(dict.fromkeys(jar.name for jar in each(read(client.cluster_jars(cluster).data, Jars).jars, Jar)))
    except Failed:
        return []
