"""The tables. Times are epoch milliseconds (UTC), documents JSON text, phases and statuses the domain's own words.

The module is long because all tables stand in one place, with their indices.
"""

from collections.abc import Iterable

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    case,
    func,
    select,
    text,
)

from sluiceway.domain.health import AILING
from sluiceway.domain.operations.save import UNSETTLED as UNSETTLED_SAVES
from sluiceway.domain.operations.stop import SETTLED, StopPhase
from sluiceway.domain.run import LIVE, RunPhase

metadata = MetaData()
# SQLite counts rows up by itself only in a column that says INTEGER and nothing else.
Id = BigInteger().with_variant(Integer, "sqlite")


def _in(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


LIVE_OR_LOST = _in("phase", [phase.value for phase in RunPhase if phase in LIVE or phase is RunPhase.LOST])
UNSETTLED = _in("phase", [phase.value for phase in StopPhase if phase not in SETTLED])
AILING_RUN = _in("condition", sorted(condition.value for condition in AILING))
OPEN_SAVE = _in("phase", sorted(phase.value for phase in UNSETTLED_SAVES))

jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("desc", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("queue", Text),
    Column("bucket", Text),  # in which its savepoints and checkpoints go
    Column("user", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("deleted_at", BigInteger),
    Column("run_id", BigInteger),  # the latest run
    Column("stop_id", BigInteger),  # the latest stop of that run
    Column("save_id", BigInteger),  # the latest savepoint of that run that was asked for while it ran
    Column("chosen_savepoint", Text),  # what somebody has said the next run is to be resumed from
    Column("cluster", Text),  # of the latest run
    Column("flink_job_id", Text),  # of the latest run
    Column("savepoint_path", Text),
    Column("savepoint_size", BigInteger),
    Column("adopted_as", Text),  # its name in Flink, where nobody made it here
    Index("jobs_by_name", "project", "name", unique=True, sqlite_where=text("deleted_at IS NULL")),
    # One for each filter of a list, so that its page is read in the order of the index. Parts of names are looked for
    # in the first, which has them.
    Index("jobs_by_time", "project", "id", "name", sqlite_where=text("deleted_at IS NULL")),
    Index("jobs_by_status", "project", "status", "id", sqlite_where=text("deleted_at IS NULL")),
    Index("jobs_by_kind", "project", "kind", "id", sqlite_where=text("deleted_at IS NULL")),
    Index("jobs_by_user", "project", "user", "id", sqlite_where=text("deleted_at IS NULL")),
    # By these two it is found who needs a savepoint.
    Index("jobs_by_savepoint", "savepoint_path", sqlite_where=text("savepoint_path IS NOT NULL")),
    sqlite_autoincrement=True,
)
# A job that names no queue is in the one that it was last run on.
queue_of_job = func.coalesce(jobs.c.queue, jobs.c.cluster)
Index("jobs_by_queue", jobs.c.project, queue_of_job, jobs.c.id, sqlite_where=text("deleted_at IS NULL"))
Index(
    "jobs_by_adoption",
    jobs.c.cluster,
    jobs.c.adopted_as,
    sqlite_where=text("deleted_at IS NULL AND adopted_as IS NOT NULL"),
)

# Apart from the jobs, whose rows are changed often and by the thousand: an SQL body may have a megabyte.
specs = Table(
    "specs",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("spec", Text, nullable=False),
    Column("config", Text, nullable=False),
)

# What a job was up to and including this run, kept when it is changed: the spec of a run is that of the first row from
# it on, and where there is none the job's own. Without a spec nobody knows: it was changed before there was this table.
past_specs = Table(
    "past_specs",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("job_id", BigInteger, nullable=False),
    Column("spec", Text),
    Index("past_specs_of_job", "job_id", "run_id"),
)

job_tags = Table(
    "job_tags",
    metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    # The job's, so that jobs are counted by their tags without a look at each. A deleted job has no tags.
    Column("project", Text, nullable=False),
    Index("jobs_by_tag", "project", "key", "value", "job_id"),
)

# Of resources, by the names that they have. A resource that is gone has no tags.
resource_tags = Table(
    "resource_tags",
    metadata,
    Column("project", Text, primary_key=True),
    Column("group_name", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

templates = Table(
    "templates",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("desc", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("sql", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("templates_by_name", "project", "name", unique=True),
    sqlite_autoincrement=True,
)

variables = Table(
    "variables",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),  # of a sensitive one sealed
    Column("sensitive", Boolean, nullable=False),
    Column("user", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("after_run", BigInteger, nullable=False),  # the newest run when it was given its value: later ones had it
    Index("variables_by_name", "project", "name", unique=True),
    sqlite_autoincrement=True,
)

runs = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("job_id", BigInteger, nullable=False),
    Column("cluster", Text, nullable=False),
    Column("flink_job_id", Text, nullable=False),  # that a later run in the cluster may have again; see `identity`
    Column("phase", Text, nullable=False),
    Column("restore", Text),
    Column("checkpoints", Text),  # the directory (URI) that its checkpoints go to; none in runs of older versions
    Column("acknowledged", Boolean, nullable=False, server_default=text("0")),
    Column("held", Boolean, nullable=False, server_default=text("0")),
    Column("batch_id", BigInteger),  # the way back that it is part of; of older versions: the stop it comes back from
    Column("wave", Integer, nullable=False, server_default=text("0")),  # of that batch
    Column("released_at", BigInteger),  # when it was let begin
    Column("falters_since", BigInteger),
    Column("life", Text),
    Column("traits", Text),  # how it keeps its state; none until it was asked
    Column("claims", Boolean, nullable=False, server_default=text("0")),  # Flink owns what it was restored from
    Column("drops_state", Boolean, nullable=False, server_default=text("0")),  # what no operator takes of it
    Column("zone", Text),  # the time zone that its SQL was planned under; none in runs of older versions
    Column("doubt_since", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("reason", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    # How it fares while it lives; what ails it is a document of its own, empty for most.
    Column("condition", Text, nullable=False, server_default="unknown"),
    Column("condition_since", BigInteger),
    Column("unwell", Boolean, nullable=False, server_default=text("0")),
    Column("ailment", Text, nullable=False, server_default=""),
    Column("proof", Text, nullable=False, server_default="unknown"),
    Column("up_at", BigInteger),
    Column("version", Integer, nullable=False, server_default=text("0")),
    Index("runs_of_job", "job_id"),
    Index("runs_by_flink_job", "flink_job_id", "cluster"),
    # No two that may live at once are one Flink job.
    Index("one_run_at_a_time", "cluster", "flink_job_id", unique=True, sqlite_where=text(LIVE_OR_LOST)),
    Index("runs_by_restore", "restore", sqlite_where=text("restore IS NOT NULL")),
    Index("runs_to_watch", "cluster", sqlite_where=text(LIVE_OR_LOST)),
    Index("runs_that_ail", "job_id", sqlite_where=text(AILING_RUN)),
    Index("runs_of_batch", "batch_id", sqlite_where=text("batch_id IS NOT NULL")),
    sqlite_autoincrement=True,
)

# What each run reads and writes. Apart from the runs, which are read and changed often; without a row nobody has asked.
run_tables = Table(
    "run_tables",
    metadata,
    Column("run_id", Id, primary_key=True, autoincrement=False),
    Column("sources", Text, nullable=False),
    Column("sinks", Text, nullable=False),
    Column("whole", Boolean, nullable=False),  # these are all
)

# Orders: stops of many jobs, and their ways back.
batches = Table(
    "batches",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("savepoint", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False, server_default="open"),
    Column("state_why", Text, nullable=False, server_default=""),
    Column("max_parallel", Integer),
    Column("abort_failures", Integer),
    Column("abort_share", Float),
    Column("plan_id", BigInteger),  # the dry run that it carries out, where it does
    Column("planned_by", Text, nullable=False, server_default=""),  # who made that
    Column("created_at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False, server_default="stop"),  # or: resume
    Column("source_id", BigInteger),  # of a resume: the stop whose jobs it brings back
    Column("policy", Text),  # of a stop: what a retry wishes for again; none in orders of older versions
    Column("target", Text),  # of a stop, the same
    Column("retry_of", BigInteger),  # the one before, of which it takes what failed
    Column("story", BigInteger),  # the first of those that it belongs to, if it is not that itself
    Column("pace", Integer),  # of a resume: starts a minute
    Column("park_after", BigInteger),  # of a resume, in milliseconds
    Column("park_restarts", Integer),  # of a resume
    Column("move_id", BigInteger),  # the move that it is a part of
    Index("batches_by_time", "project", "id"),
    Index("batches_of_source", "source_id", sqlite_where=text("source_id IS NOT NULL")),
    Index("batches_of_story", "story", sqlite_where=text("story IS NOT NULL")),
    Index("batches_of_move", "move_id", sqlite_where=text("move_id IS NOT NULL")),
    sqlite_autoincrement=True,
)

# Stops that say where their jobs are started then. What a move does beside that stands in its orders.
moves = Table(
    "moves",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("cluster", Text, nullable=False),  # where they are started
    Column("back", Text, nullable=False),  # how: the policy of its second half
    Column("allow", Text, nullable=False),
    Column("stop_id", BigInteger),  # its first half
    Column("resume_id", BigInteger),  # its second half, from the first start on
    Column("created_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),  # since when nothing is left to be started
    Index("moves_by_time", "project", "id"),
    Index("moves_to_do", "id", sqlite_where=text("done_at IS NULL")),
    sqlite_autoincrement=True,
)

# The jobs of moves that could not be started where they go.
move_refusals = Table(
    "move_refusals",
    metadata,
    Column("move_id", BigInteger, primary_key=True, autoincrement=False),
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("refusal", Text, nullable=False),
    Column("status", Text),  # that stood in the way
    Column("note", Text, nullable=False),
    Column("passing", Boolean, nullable=False),  # it is tried again
    Column("at", BigInteger, nullable=False),
)

# An overdue stop that is asked for again keeps its batch, and counts in the new one too.
rejoined = Table(
    "rejoined",
    metadata,
    Column("batch_id", BigInteger, primary_key=True, autoincrement=False),
    Column("stop_id", BigInteger, primary_key=True, autoincrement=False),
    Column("wave", Integer, nullable=False, server_default=text("0")),
)

# The first answer to a request with an Idempotency-Key, for whoever sends it again.
answers = Table(
    "answers",
    metadata,
    Column("project", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),  # of the request that it was given to
    Column("answer", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("answers_by_time", "created_at"),
)

stops = Table(
    "stops",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("batch_id", BigInteger),  # none for the stop that a deletion brings about
    Column("job_id", BigInteger, nullable=False),
    Column("run_id", BigInteger, nullable=False),
    Column("cluster", Text, nullable=False),
    Column("flink_job_id", Text, nullable=False),
    Column("savepoint", Boolean, nullable=False),
    Column("root", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("policy", Text, nullable=False, server_default="{}"),
    Column("wave", Integer, nullable=False, server_default=text("0")),
    Column("held", Boolean, nullable=False, server_default=text("0")),
    Column("phase", Text, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("sent_at", BigInteger),
    Column("acknowledged", Boolean, nullable=False, server_default=text("0")),
    Column("retry_at", BigInteger),
    Column("doubt_since", BigInteger),
    Column("forgotten_since", BigInteger),
    Column("idle_since", BigInteger),
    Column("cancel_on_failure", Boolean, nullable=False, server_default=text("0")),
    Column("abandoned", Boolean, nullable=False, server_default=text("0")),
    Column("foreign_savepoint", Text),
    Column("checkpoint_path", Text),
    Column("format", Text),  # of the last attempt; none before it
    Column("format_why", Text, nullable=False, server_default=""),
    Column("stable_since", BigInteger),
    Column("restarted", Text, nullable=False, server_default=""),
    Column("claim", Text),  # where Flink says that the savepoint of the last attempt lies
    Column("savepoint_path", Text),
    Column("savepoint_size", BigInteger),
    Column("verified", Boolean, nullable=False, server_default=text("0")),
    Column("unproven", Text, nullable=False, server_default=""),  # why a resume does not take its savepoint
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("reason", Text, nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default=text("0")),
    # The database itself refuses a second stop of a job whose first has not settled.
    Index("one_stop_at_a_time", "cluster", "flink_job_id", unique=True, sqlite_where=text(UNSETTLED)),
    Index("stops_to_do", "cluster", sqlite_where=text(UNSETTLED)),
    Index("stops_of_batch", "batch_id", "id"),
    Index("stops_of_run", "run_id"),
    sqlite_autoincrement=True,
)

# Savepoints of running jobs that were asked for.
saves = Table(
    "saves",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("job_id", BigInteger, nullable=False),
    Column("run_id", BigInteger, nullable=False),
    Column("cluster", Text, nullable=False),
    Column("flink_job_id", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("acknowledged", Boolean, nullable=False, server_default=text("0")),
    Column("doubt_since", BigInteger),
    Column("forgotten_since", BigInteger),
    Column("claim", Text),
    Column("wish", Text),  # the format that was asked for; none: whichever does no harm
    Column("format", Text),  # that was chosen; none before it was sent
    Column("format_why", Text, nullable=False, server_default=""),
    Column("stable_since", BigInteger),
    Column("savepoint_path", Text),
    Column("savepoint_size", BigInteger),
    Column("verified", Boolean, nullable=False, server_default=text("0")),
    Column("unproven", Text, nullable=False, server_default=""),  # why a resume does not take its savepoint
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("reason", Text, nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default=text("0")),
    # As with stops, the database itself refuses a second one beside the first.
    Index("one_save_at_a_time", "cluster", "flink_job_id", unique=True, sqlite_where=text(OPEN_SAVE)),
    Index("saves_to_do", "cluster", sqlite_where=text(OPEN_SAVE)),
    Index("saves_of_run", "run_id"),
    sqlite_autoincrement=True,
)

# Every savepoint that was kept or registered. A row outlives the files: `removed_at` says when they went.
savepoints = Table(
    "savepoints",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("job_id", BigInteger, nullable=False),
    Column("run_id", BigInteger),  # that has made it; none where that was no run of ours
    Column("stop_id", BigInteger),  # the stop that has kept it,
    Column("save_id", BigInteger),  # or the request to take it while the job ran
    Column("batch_id", BigInteger),
    Column("path", Text, nullable=False),
    Column("size", BigInteger),
    Column("format", Text, nullable=False),
    Column("format_why", Text, nullable=False, server_default=""),
    Column("drained", Boolean, nullable=False),
    Column("flink_version", Text, nullable=False),
    Column("reason", Text, nullable=False),  # of the batch
    Column("created_at", BigInteger, nullable=False),  # when it was complete
    Column("verified_at", BigInteger),  # when it was last read and found whole
    Column("fault", Text, nullable=False, server_default=""),  # what was wrong when it was last read
    Column("unproven", Text, nullable=False, server_default=""),  # why a resume does not take it
    Column("removed_at", BigInteger),
    Column("kind", Text, nullable=False, server_default="savepoint"),  # or: checkpoint
    Column("registered_at", BigInteger),  # when somebody has put it here by its path
    Column("protected", Boolean, nullable=False, server_default=text("0")),  # retention leaves it alone,
    Column("protected_until", BigInteger),  # until then, where that is said
    Index("savepoints_by_time", "project", "id"),
    Index("savepoints_of_job", "job_id", "id"),
    Index("savepoints_by_path", "path"),
    sqlite_autoincrement=True,
)

# Dry runs as they were shown, so that they can be carried out like that.
plans = Table(
    "plans",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("request", Text, nullable=False),  # as the API that made it has it
    Column("jobs", LargeBinary, nullable=False),  # what was shown of each: JSON, compressed
    Index("plans_by_time", "project", "id"),
    sqlite_autoincrement=True,
)

# Jars and files that jobs are made of, by name.
resources = Table(
    "resources",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("project", Text, nullable=False),
    Column("group_name", Text, nullable=False),  # empty: in none
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("path", Text, nullable=False),  # obs://…
    Column("sha256", Text),  # of an uploaded one
    Column("size", BigInteger),  # of an uploaded one
    Column("owner", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index("resources_by_name", "project", "group_name", "name", unique=True),
    sqlite_autoincrement=True,
)

# Clusters that people have registered. A row outlives the registration: `removed_at` says when it ended.
clusters = Table(
    "clusters",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("addresses", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("projects", Text, nullable=False),  # that may use it; none: all
    Column("max_savepoints", Integer),
    Column("draining", Boolean, nullable=False, server_default=text("0")),
    Column("guards", Text, nullable=False),  # how it is protected, as far as anybody may see
    Column("sealed", Text),  # what opens it
    Column("user", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Index("clusters_by_name", "name", unique=True, sqlite_where=text("removed_at IS NULL")),
    sqlite_autoincrement=True,
)

# What turns have seen of each cluster, wherever it is registered. Written when it changes.
cluster_health = Table(
    "cluster_health",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("answers", Boolean, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("flink_version", Text, nullable=False),
)

# Who may hold leases, and for how long. Each service renews one row.
holders = Table(
    "holders",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),  # by the database's clock
)

leases = Table(
    "leases",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("owner", Text, nullable=False),  # holds it while it is one of the above; empty: it was given back
    Column("fence", BigInteger, nullable=False),
    # By how many ms the wall clock was ahead of the steady one of this boot when the deadlines were last right.
    Column("clock_offset", BigInteger),
    Column("boot", Text),
)

# How often rows of a cluster have changed that a worker watches. Triggers count: see migration 0024.
changes = Table(
    "changes",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("project", Text),
    Column("job_id", BigInteger),
    Column("batch_id", BigInteger),
    Column("stop_id", BigInteger),
    Column("detail", Text, nullable=False, server_default=""),
    Column("who", Text, nullable=False, server_default=""),
    Index("events_of_project", "project", "id"),
    Index("events_of_stop", "stop_id", "id"),
    Index("events_of_job", "job_id", "id"),
    Index("events_of_batch", "batch_id", "id"),
    Index("events_of_who", "project", "who", "id", sqlite_where=text("who <> ''")),
    sqlite_autoincrement=True,
)


def program_unknown() -> ColumnElement[bool]:
    """Whether nobody has said here what a job is made of: it was adopted. Reads no spec of others."""
    jar = select(func.json_extract(specs.c.spec, "$.program.jar")).where(specs.c.job_id == jobs.c.id).scalar_subquery()
    return case((jobs.c.adopted_as.is_not(None), jar == ""), else_=False).label("program_unknown")


tags_of_job = (
    select(func.coalesce(func.json_group_object(job_tags.c.key, job_tags.c.value), "{}"))
    .where(job_tags.c.job_id == jobs.c.id)
    .scalar_subquery()
)
whole_jobs = select(jobs, specs.c.spec, specs.c.config, tags_of_job.label("tags")).join(
    specs, specs.c.job_id == jobs.c.id
)
