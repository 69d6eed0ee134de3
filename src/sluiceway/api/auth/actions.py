"""Which right every route needs. A route that is not in the table is denied to everybody, and a test misses it."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from sluiceway.domain.access import Action


class Open(Enum):
    """Routes that are about no project."""

    TO_ALL = "no credential is looked at"
    TO_CALLERS = "any signed-in caller"
    TO_WATCHERS = "callers with a role in every project, and holders of the metrics token"


Need = Action | Open

_DLI: Final = "/v1.0/{project_id}/streaming"
_RESOURCES: Final = "/v2.0/{project_id}/resources"
_VARIABLES: Final = "/v1.0/{project_id}/variables"
_OWN: Final = "/api/v1/projects/{project_id}"

ACTIONS: Final[Mapping[tuple[str, str], Need]] = {
    # DLI's paths. A batch asks for the right again, for each job's queue.
    ("GET", f"{_DLI}/jobs"): Action.LIST,
    ("POST", f"{_DLI}/jobs/stop"): Action.STOP,
    ("POST", f"{_DLI}/jobs/run"): Action.START,
    ("POST", f"{_DLI}/jobs/delete"): Action.DELETE,
    ("GET", f"{_DLI}/jobs/{{job_id}}"): Action.GET,
    ("DELETE", f"{_DLI}/jobs/{{job_id}}"): Action.DELETE,
    ("GET", f"{_DLI}/jobs/{{job_id}}/execute-graph"): Action.GET,
    ("POST", f"{_DLI}/jobs/{{job_id}}/savepoint"): Action.UPDATE,
    ("POST", f"{_DLI}/jobs/{{job_id}}/import-savepoint"): Action.UPDATE,
    ("POST", f"{_DLI}/sql-jobs"): Action.CREATE,
    ("PUT", f"{_DLI}/sql-jobs/{{job_id}}"): Action.UPDATE,
    ("POST", "/v1/{project_id}/edgesrv/{call}"): Action.GET,
    ("POST", f"{_DLI}/jobs/metrics"): Action.GET,
    ("GET", f"{_DLI}/jobs/{{job_id}}/apig-sinks"): Action.GET,
    ("POST", f"{_DLI}/jobs/export"): Action.EXPORT,
    ("POST", f"{_DLI}/jobs/import"): Action.CREATE,
    ("POST", f"{_DLI}/job-templates"): Action.CREATE,
    ("GET", f"{_DLI}/job-templates"): Action.LIST,
    ("PUT", f"{_DLI}/job-templates/{{template_id}}"): Action.UPDATE,
    ("DELETE", f"{_DLI}/job-templates/{{template_id}}"): Action.DELETE,
    ("POST", _VARIABLES): Action.CREATE,
    ("GET", _VARIABLES): Action.LIST,
    ("PUT", f"{_VARIABLES}/{{var_name}}"): Action.UPDATE,
    ("DELETE", f"{_VARIABLES}/{{var_name}}"): Action.DELETE,
    ("POST", "/v1.0/{project_id}/dli/obs-authorize"): Action.CREATE,
    # It plans the caller's SQL with the service's rights.
    ("POST", "/v3/{project_id}/streaming/jobs/{job_id}/gen-graph"): Action.CREATE,
    ("GET", "/v3/{project_id}/dli_flink_job/{resource_id}/tags"): Action.GET,
    ("POST", "/v3/{project_id}/dli_flink_job/{resource_id}/tags/create"): Action.UPDATE,
    ("POST", "/v3/{project_id}/dli_flink_job/{resource_id}/tags/delete"): Action.UPDATE,
    ("GET", "/v3/{project_id}/dli_package_resource/{resource_id}/tags"): Action.GET,
    ("POST", "/v3/{project_id}/dli_package_resource/{resource_id}/tags/create"): Action.UPDATE,
    ("POST", "/v3/{project_id}/dli_package_resource/{resource_id}/tags/delete"): Action.UPDATE,
    ("GET", "/v1.0/{project_id}/queues"): Action.LIST,
    ("GET", "/v1.0/{project_id}/queues/{queue_name}"): Action.GET,
    ("POST", f"{_DLI}/flink-jobs"): Action.CREATE,
    ("PUT", f"{_DLI}/flink-jobs/{{job_id}}"): Action.UPDATE,
    ("POST", _RESOURCES): Action.CREATE,
    ("POST", f"{_RESOURCES}/jars"): Action.CREATE,
    ("POST", f"{_RESOURCES}/pyfiles"): Action.CREATE,
    ("POST", f"{_RESOURCES}/files"): Action.CREATE,
    ("GET", _RESOURCES): Action.LIST,
    ("GET", f"{_RESOURCES}/{{resource_name}}"): Action.GET,
    ("DELETE", f"{_RESOURCES}/{{resource_name}}"): Action.DELETE,
    ("PUT", f"{_RESOURCES}/owner"): Action.UPDATE,
    # Our own.
    ("PUT", f"{_OWN}/resources/{{name}}"): Action.CREATE,
    ("GET", f"{_OWN}/resources"): Action.LIST,
    ("DELETE", f"{_OWN}/resources/{{name}}"): Action.DELETE,
    # They serve all projects: handlers ask for the same right in every one.
    ("GET", f"{_OWN}/clusters"): Action.LIST,
    ("POST", f"{_OWN}/clusters"): Action.CLUSTERS,
    ("POST", f"{_OWN}/clusters/test"): Action.CLUSTERS,
    ("GET", f"{_OWN}/clusters/{{name}}"): Action.GET,
    ("GET", f"{_OWN}/clusters/{{name}}/jars"): Action.GET,
    ("POST", f"{_OWN}/clusters/{{name}}/test"): Action.CLUSTERS,
    ("PATCH", f"{_OWN}/clusters/{{name}}"): Action.CLUSTERS,
    ("DELETE", f"{_OWN}/clusters/{{name}}"): Action.CLUSTERS,
    ("GET", f"{_OWN}/jobs"): Action.LIST,
    ("GET", f"{_OWN}/jobs/{{job_id}}/diff"): Action.GET,
    ("POST", f"{_OWN}/jobs/check"): Action.CREATE,  # as gen-graph
    ("GET", f"{_OWN}/jobs/{{job_id}}/logs"): Action.GET,  # handlers look at whose jobs a log tells
    ("POST", f"{_OWN}/stops"): Action.STOP,
    ("GET", f"{_OWN}/stops"): Action.LIST,
    ("GET", f"{_OWN}/stops/{{stop_id}}"): Action.GET,
    ("GET", f"{_OWN}/stops/{{stop_id}}/events"): Action.GET,
    ("POST", f"{_OWN}/stops/{{stop_id}}/abort"): Action.STOP,
    ("POST", f"{_OWN}/stops/{{stop_id}}/proceed"): Action.STOP,
    ("POST", f"{_OWN}/stops/{{stop_id}}/retry"): Action.STOP,
    ("POST", f"{_OWN}/stops/{{stop_id}}/resume"): Action.START,
    ("POST", f"{_OWN}/resumes"): Action.START,
    ("GET", f"{_OWN}/resumes"): Action.LIST,
    ("GET", f"{_OWN}/resumes/{{resume_id}}"): Action.GET,
    ("GET", f"{_OWN}/resumes/{{resume_id}}/events"): Action.GET,
    ("POST", f"{_OWN}/resumes/{{resume_id}}/retry"): Action.START,
    ("POST", f"{_OWN}/resumes/{{resume_id}}/abort"): Action.START,
    ("POST", f"{_OWN}/resumes/{{resume_id}}/proceed"): Action.START,
    # They need the right to start jobs where these go, too: handlers ask for it.
    ("POST", f"{_OWN}/moves"): Action.STOP,
    ("GET", f"{_OWN}/moves"): Action.LIST,
    ("GET", f"{_OWN}/moves/{{move_id}}"): Action.GET,
    ("GET", f"{_OWN}/moves/{{move_id}}/events"): Action.GET,
    ("POST", f"{_OWN}/moves/{{move_id}}/abort"): Action.STOP,
    ("POST", f"{_OWN}/moves/{{move_id}}/proceed"): Action.STOP,
    ("POST", f"{_OWN}/moves/{{move_id}}/back"): Action.START,
    ("GET", f"{_OWN}/events"): Action.EVENTS,
    ("GET", f"{_OWN}/savepoints"): Action.LIST,
    ("POST", f"{_OWN}/savepoints"): Action.UPDATE,
    ("POST", f"{_OWN}/savepoints/register"): Action.UPDATE,
    ("GET", f"{_OWN}/savepoints/{{savepoint_id}}"): Action.GET,
    ("DELETE", f"{_OWN}/savepoints/{{savepoint_id}}"): Action.REMOVE,
    ("POST", f"{_OWN}/savepoints/{{savepoint_id}}/verify"): Action.VERIFY,
    # Signing in.
    ("GET", "/api/v1/sign-in"): Open.TO_ALL,
    ("GET", "/api/v1/whoami"): Open.TO_CALLERS,
    ("POST", "/v3/auth/tokens"): Open.TO_ALL,
    ("DELETE", "/v3/auth/tokens"): Open.TO_CALLERS,
    ("POST", "/v3/users/{user_id}/password"): Open.TO_CALLERS,
    ("GET", "/v3/projects"): Open.TO_CALLERS,
    ("GET", "/v3/auth/domains"): Open.TO_CALLERS,
    # The service itself. None of it is about any job.
    ("GET", "/"): Open.TO_ALL,
    ("GET", "/healthz"): Open.TO_ALL,
    ("GET", "/readyz"): Open.TO_ALL,
    ("GET", "/metrics"): Open.TO_WATCHERS,
    ("GET", "/openapi.json"): Open.TO_ALL,
    ("GET", "/docs"): Open.TO_ALL,
    ("GET", "/docs/swagger"): Open.TO_ALL,
    ("GET", "/docs/errors"): Open.TO_ALL,
    ("GET", "/docs/errors.json"): Open.TO_ALL,
    ("GET", "/docs/openapi.json"): Open.TO_ALL,
    ("GET", "/docs/oauth2-redirect.html"): Open.TO_ALL,
    ("GET", "/docs/{path}"): Open.TO_ALL,
    ("GET", "/assets/swagger-ui-bundle.js"): Open.TO_ALL,
    ("GET", "/assets/swagger-ui-standalone-preset.js"): Open.TO_ALL,
    ("GET", "/assets/swagger-ui.css"): Open.TO_ALL,
}


def need_of(method: str, template: str) -> Need | None:
    """The right that a call needs; None: nobody may. OPTIONS lists methods, as the page of the API does."""
    return Open.TO_ALL if method == "OPTIONS" else ACTIONS.get((method, template))
