"""`sluiceway jobs program`: tells what an adopted job is made of, so that the service can start it again."""

import json
import shlex
from typing import Annotated, Any, Final

from cyclopts import Parameter

from sluiceway.cli.client import Client
from sluiceway.cli.job_fields import cus_for, pairs
from sluiceway.cli.language import t
from sluiceway.cli.options import Common, Flag, Names, PositiveInt, WholeSeconds, Words, ids_or_names, or_default
from sluiceway.cli.output import Failed, complain

IN_CLUSTER: Final = "cluster://"


def program(
    job: str,
    /,
    *args: Annotated[str, Parameter(allow_leading_hyphen=True)],
    jar_of_cluster: str,
    class_: Annotated[Words, Parameter(name="--class")] = "",
    parallelism: PositiveInt | None = None,
    checkpoint_interval: WholeSeconds = None,
    no_restart: Flag = False,
    option: Names = (),
    common: Common | None = None,
) -> int:
    """Say what a job is made of that somebody else has started, so that the service starts it from then on.

    Flink tells nobody from which jar, class and arguments a job was started, so whoever knows them says so. While the
    job runs it is not touched. Afterwards it is stopped and resumed as any other.

    Example: `sluiceway jobs program orders --jar-of-cluster orders.jar --class com.shop.Orders -- --topic orders`

    Parameters
    ----------
    job
        Its id or exact name.
    args
        Arguments of its main method, behind `--`.
    jar_of_cluster
        The name of a jar that its cluster has; of several with one name the newest counts. An id is one upload.
        `sluiceway clusters jars NAME` lists them.
    class_
        The main class. Default: the one that the jar names itself.
    parallelism
        Parallel instances of each operator. Default: as many as Flink shows of the job.
    checkpoint_interval
        The time between two checkpoints, such as 10s. Default: what the program or the cluster says.
    no_restart
        Let the job end when it fails, unless its program says otherwise.
    option
        An option of Flink as KEY=VALUE, as somebody gave it with -D; may be repeated.
    """
    common = or_default(common)
    client = common.client()
    (job_id,) = ids_or_names(client, [job])
    parallelism = parallelism or _seen(client, job_id)
    body: dict[str, Any] = {
        "entrypoint": f"{IN_CLUSTER}{jar_of_cluster}",
        "main_class": class_,
        "entrypoint_args": shlex.join(args),
        "restart_when_exception": not no_restart,
    }
    if parallelism is not None:
        body |= {"parallel_number": parallelism, **cus_for(parallelism)}
    if checkpoint_interval is not None:
        body |= {"checkpoint_enabled": True, "checkpoint_interval": checkpoint_interval}
    if option:
        body["runtime_config"] = json.dumps(pairs("--option", option))
    client.update_jar_job(job_id, body)
    if parallelism is None and not common.json:
        complain(t("Flink does not show how parallel it was; where that was not 1, give --parallelism"))
    done = t(
        "Job {job_id} is made of {jar_of_cluster} from now on. When it is stopped, start it from "
        "its state: sluiceway jobs run {job_id} --resume",
        job_id=job_id,
        jar_of_cluster=jar_of_cluster,
    )
    return common.told({"job_id": job_id, **body}, done, job_id)


def _seen(client: Client, job_id: int) -> int | None:
    """How parallel its latest run is, or was, as far as its cluster still tells."""
    try:
        vertices = client.graph(job_id).get("vertices", ())
    except Failed:
        return None
    found = [vertex.get("parallelism", 0) for vertex in vertices if isinstance(vertex, dict)]
    return max((one for one in found if isinstance(one, int)), default=0) or None
