"""The vendor's SDK, called by the names of its operations: its own classes, sync or async, in either language."""

import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkdli import v1
from huaweicloudsdkdli.v1 import DliAsyncClient, DliClient

PROJECT = "proj0123"
KINDS = (DliClient, DliAsyncClient)

Key = Mapping[str, str]  # access, secret, and security_token of a temporary one
NOBODY: Key = {"access": "ak", "secret": "sk", "security_token": ""}  # for where nobody has to sign in


def credentials(key: Key, project: str | None = PROJECT) -> Any:
    """A key as the SDK takes it."""
    made = BasicCredentials(key["access"], key["secret"], project)
    return made.with_security_token(key["security_token"]) if key["security_token"] else made


def client(url: str, key: Key = NOBODY, kind: Any = DliClient, project: str | None = PROJECT) -> Any:
    """The vendor's client, pointed at a service."""
    return kind.new_builder().with_credentials(credentials(key, project)).with_endpoint(url).build()


class Sdk:
    """A client of either kind. `called` are the operations that were called, whatever was answered."""

    def __init__(self, made: Any, **headers: str) -> None:
        """`headers` go with every call; an underscore stands for a hyphen."""
        self.client = made
        self.called: set[str] = set()
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __call__(self, operation: str, /, **given: Any) -> Any:
        """Call an operation; what is given goes into the path, the query or the body, as the SDK has it.

        With `body` that is the body, whatever it is.
        """
        self.called.add(operation)
        waits = isinstance(self.client, DliAsyncClient)
        name = f"{operation}_async" if waits else operation
        request = _request(operation, given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # as the SDK calls some of its operations
            answer = self._send(name, request)
        return answer.result() if waits else answer

    def _send(self, name: str, request: Any) -> Any:
        if not self.headers:
            return getattr(self.client, name)(request)
        invoker = getattr(self.client, f"{name}_invoker")(request)
        for header, value in self.headers.items():
            invoker.add_header(header, value)
        return invoker.invoke()


def operations() -> dict[str, tuple[str, str]]:
    """Every operation that the SDK has, with its method and path."""
    names = (name.removesuffix("_invoker") for name in dir(DliClient) if name.endswith("_invoker"))
    return {name: _route(name) for name in names}


def refusal(call: Callable[..., Any], *arguments: Any, **named: Any) -> ServiceResponseException:
    """What the SDK raises of a refusal; it can be looked up by its request id."""
    with pytest.raises(ServiceResponseException) as refused:
        call(*arguments, **named)
    assert refused.value.error_msg
    assert re.fullmatch("[0-9a-f]{32}", refused.value.request_id)
    return refused.value


def code_of(call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[int, str]:
    """The status and the code that the SDK reads in a refusal."""
    refused = refusal(call, *arguments, **named)
    return refused.status_code, refused.error_code


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _request(operation: str, given: Mapping[str, Any]) -> Any:
    kind = getattr(v1, f"{_camel(operation)}Request")
    beside = {name: value for name, value in given.items() if name in kind.openapi_types}
    if "body" in given or "body" not in kind.openapi_types:
        return kind(**given)
    body = getattr(v1, kind.openapi_types["body"])
    within = {name: value for name, value in given.items() if name in body.openapi_types}
    assert set(given) == set(beside) | set(within), "all of it is the SDK's to send"
    return kind(**beside, body=body(**within) if within else None)


def _route(operation: str) -> tuple[str, str]:
    described = getattr(DliClient, f"_{operation}_http_info")(getattr(v1, f"{_camel(operation)}Request")())
    return described["method"], described["resource_path"]
