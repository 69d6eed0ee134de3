"""Where the contract answers otherwise than schemathesis expects, each with its reason. Nothing else is let pass.

DLI answers nearly every refusal with 400, also of what is about the state of things and not about the request. Such a
code may meet a request that is right; one that is about the request's own form may not.
"""

import json
import re
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData, UnsupportedMethodResponse

from sluiceway.api.dli.parameters import MAX_LIMIT

_STATE: Final = "what there is, or what state it is in"
_BETWEEN: Final = "a rule between fields"
_BYTES: Final = "a size in bytes, where JSON Schema counts characters"
_WITHIN: Final = "what stands inside a text"

CODES: Final = {
    **dict.fromkeys(("DLI.0002", "DLI.0012", "DLI.10005", "DLI.10006", "DLI.11004", "DLI.11021", "DLI.11098"), _STATE),
    **dict.fromkeys(("DLI.12002", "DLI.12003", "DLI.12004", "DLI.12005", "DLI.12006", "DLI.13006"), _STATE),
    **dict.fromkeys(("DLI.13007", "DLI.13011", "DLI.13013", "DLI.13017", "DLI.13018", "DLI.13024"), _STATE),
    **dict.fromkeys(("DLI.14001", "DLI.15001", "DLI.15002", "DLI.16001", "DLI.17001", "DLI.20005"), _STATE),
    **dict.fromkeys(("DLI.1205", "DLI.18002", "DLI.18003", "DLI.18004"), _STATE),
    **dict.fromkeys(("DLI.11008", "DLI.11022", "DLI.11024", "DLI.11025", "DLI.11026"), _BETWEEN),
    **dict.fromkeys(("DLI.11006", "DLI.11018", "DLI.11019"), _BYTES),
    **dict.fromkeys(("DLI.0004", "DLI.0005", "DLI.29001", "DLI.29002", "unusable_path"), _WITHIN),
    "DLI.19004": "null is the same as absent",
    "DLI.0006": _STATE,
    "DLI.0007": "edge nodes: each call is refused",
    **dict.fromkeys(("idempotency_key_reused", "no_whole_savepoint", "savepoint_too_large"), _STATE),
}

# Of DLI.0001, by the parameter that it names.
PARAMETERS: Final = {
    "runtime_config": _WITHIN,
    "idle_state_retention_unit": _WITHIN,
    "savepoint_path": _WITHIN,
    "sql_body": f"{_WITHIN}: blanks alone are no SQL",
    "paths": _WITHIN,
    "tags": "keys differ",
    "resource_config": f"{_BETWEEN}; and a size with its unit",
    "resource_name": _BETWEEN,
    "job_selected": _BETWEEN,
    "job_id": "it is the one in the path",
    "auth.scope.project": _BETWEEN,
    "auth.identity.token": _BETWEEN,
    "auth.identity.password": _BETWEEN,
    "auth.identity.password.user.name": _BETWEEN,
    "kind": "of its pattern, which an empty text fits as well, 0 is made, which does not fit",
}

_NO_HTTP: Final = b"Invalid HTTP request received."  # said before there is a request, in uvicorn's words
_PARAMETER: Final = re.compile(r"Parameter (?P<name>\S+) is not valid")
_SHAPE: Final = re.compile(r"is expected, not (?!float)|it is missing")
_CONTROL: Final = re.compile("NUL character|control characters")  # texts have none, which is not said at each
# JSON Schema calls 1.0 an integer. Here it is none beside other types: large ones have lost their last digits.
_FLOAT: Final = re.compile("int .*is expected, not float|Expected `int[^`]*`, got `float`")
# What is no form of the body or of a parameter: rules between the fields of a stop, and names of resources.
_NATIVE_SHAPE: Final = re.compile(r"The body is not as expected|^\w+: ")


def is_fault(_: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
    """Whether what schemathesis has found is to be mended."""
    if response.content == _NO_HTTP:
        return False
    if isinstance(failure, RejectedPositiveData):
        return not all(_allowed(error) for error in _errors(response))
    if isinstance(failure, UnsupportedMethodResponse):
        # DLI's gateway, and so the whole service: a path that is not there with this method is not there.
        return not (response.status_code == 404 and _errors(response)[0]["error_code"] == "APIGW.0101")
    return not (isinstance(failure, AcceptedNegativeData) and _is_taken(case, response.request.url or ""))


def _errors(response: Response) -> list[dict[str, Any]]:
    body = json.loads(response.content)
    return body if isinstance(body, list) else [body]


def _allowed(error: dict[str, Any]) -> bool:
    code, text = error["error_code"], error["error_msg"]
    if code in CODES:
        return True
    if code == "bad_request":
        return _NATIVE_SHAPE.search(text) is None or bool(_FLOAT.search(text))
    named = _PARAMETER.match(text)
    if code != "DLI.0001" or named is None or _SHAPE.search(text):
        return False
    return bool(_CONTROL.search(text)) or bool(_FLOAT.search(text)) or named["name"] in PARAMETERS


def _is_taken(case: Case[Any], url: str) -> bool:
    """DLI caps what a list is to show, and so a larger limit is taken. Of a parameter that is repeated one counts.

    To DLI's calls an empty parameter is one that was not given, as its clients send it. What counts is what was sent:
    an object in place of a number is sent as its keys, one after the other, and an empty list as nothing.
    """
    sent = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    given = dict(sent)
    if len(given) < len(sent) or given.keys() < (case.query or {}).keys():
        return True
    if "/api/v1/" in case.path:
        return False
    limit = given.get("limit", "")
    return "" in given.values() or (limit.isdecimal() and int(limit) > MAX_LIMIT)
