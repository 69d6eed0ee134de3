"""The credential that `sluiceway login` has kept: renewed before its end, and exchanged for the project at hand."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from sluiceway.cli import kept as sign_ins
from sluiceway.cli import tables
from sluiceway.cli.connection import Connection, Reply, Unreachable
from sluiceway.cli.kept import Kept
from sluiceway.cli.language import t
from sluiceway.cli.output import NOT_ALLOWED, Failed
from sluiceway.cli.signing import Credential, is_jwt, token_headers

MARGIN: Final = 30.0  # seconds before its end at which a token is renewed


class SignedIn:
    """A kept sign-in, for one project or, with the empty one, for none."""

    def __init__(self, key: str, kept: Kept, project: str, authority: Path | None, login: str) -> None:
        """`key` is what it is kept under; `login` the command that signs in anew."""
        self.advice = t("Next: {login}", login=login)
        self.kept = kept
        self._key = key
        self._project = project
        self._authority = authority

    @property
    def signs(self) -> bool:
        """See `Signer`."""
        return False

    def headers(self, method: str, target: str, host: str, body: bytes | None) -> Any:  # noqa: ARG002 - a token signs nothing
        """See `Signer`."""
        return token_headers(self.token())

    def token(self) -> str:
        """The token for the project. Raises `Failed` where the sign-in has ended."""
        if self.kept.ends - MARGIN <= time.time():
            self._renew()
        if not self._project or is_jwt(self.kept.token):  # an issuer's is for every project
            return self.kept.token
        return self.kept.projects.get(self._project) or self._exchange()

    def _renew(self) -> None:
        if self.kept.refresh_token:
            self._refresh()
        elif self.kept.ends <= time.time():
            ended = tables.when(int(self.kept.ends * 1000))
            raise Failed(
                t(
                    "Your sign-in to {server} ended at {ended}. {advice}",
                    server=self.kept.server,
                    ended=ended,
                    advice=self.advice,
                ),
                code=NOT_ALLOWED,
            )

    def _refresh(self) -> None:
        from sluiceway.cli import issuer

        with sign_ins.alone(self._key):
            self.kept = sign_ins.read(self._key) or self.kept  # another command may have done it meanwhile
            if self.kept.ends - MARGIN > time.time():
                return
            old = self.kept
            try:
                found = issuer.refresh(old.token_endpoint, old.client_id, old.refresh_token, self._authority)
            except issuer.Silent as silent:
                if old.ends > time.time():
                    return  # it is good for some seconds more
                raise Unreachable(str(silent)) from silent  # who follows something tries again
            token, claims = issuer.fit_for(found, old.audience)
            self.kept = msgspec.structs.replace(
                old,
                token=token,
                ends=time.time() + issuer.lasts(claims),
                refresh_token=found.refresh_token or old.refresh_token,
            )
            sign_ins.write(self._key, self.kept)

    def _exchange(self) -> str:
        """A token of the project; it is kept, and ends with the sign-in."""
        identity = {"methods": ["token"], "token": {"id": self.kept.token}}
        asks = Connection(self.kept.server, Credential(), self._authority)
        try:
            reply = token_for(asks, identity, self._project)
        except Failed as failed:
            if failed.code != NOT_ALLOWED:
                raise
            raise Failed(self._why_not(), code=NOT_ALLOWED) from failed
        token = reply.headers.get("x-subject-token", "")
        self._remember(token)
        return token

    def _why_not(self) -> str:
        """Why there is no token for the project: the service does not say, as it does not know who asks."""
        asks = Connection(self.kept.server, Credential(token=self.kept.token), self._authority)
        if asks.ask("GET", "/api/v1/whoami").status == 401:
            return t(
                "Your sign-in to {server} was ended before its time. {advice}",
                server=self.kept.server,
                advice=self.advice,
            )
        return t(
            "You have no role in project {project}. `sluiceway whoami` shows where you have one.", project=self._project
        )

    def _remember(self, token: str) -> None:
        of_project = {self._project: token}
        self.kept = msgspec.structs.replace(self.kept, projects={**self.kept.projects, **of_project})
        with suppress(Failed), sign_ins.alone(self._key):
            newest = sign_ins.read(self._key)
            if newest is not None and newest.token == self.kept.token:
                more = {**newest.projects, **of_project}
                sign_ins.write(self._key, msgspec.structs.replace(newest, projects=more))


def token_for(http: Connection, identity: Any, project: str) -> Reply:
    """A token of the service, in the form of the vendor's IAM; without a project one that opens none."""
    scope = {"scope": {"project": {"id": project}}} if project else {}
    return http.ok("POST", "/v3/auth/tokens", {"auth": {"identity": identity, **scope}})
