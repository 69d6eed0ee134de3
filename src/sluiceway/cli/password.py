"""`sluiceway password`: change your own password. Also asks for passwords elsewhere."""

import getpass
import sys

from sluiceway.cli.language import t
from sluiceway.cli.options import Common, commands, or_default
from sluiceway.cli.output import Failed

app = commands("password")


@app.default
def password(name: str, /, *, common: Common | None = None) -> int:
    """Change your own password, where an administrator has allowed it. Your tokens end; access keys stay.

    The old password and the new one are asked for; through a pipe, the first two lines are taken. Whoever is not signed
    in signs in to --project with the old password.

    Example: `sluiceway password ann --project default`

    Parameters
    ----------
    name
        Your name as a user of the service.
    """
    common = or_default(common)
    client = common.client()
    original = ask_password(t("Old password"), twice=False)
    client.change_password(name, original, ask_password(t("New password")))
    done = t("The password of {name} is changed. Tokens that were got with the old one have ended.", name=name)
    return common.told({"name": name}, done, name)


def ask_password(prompt: str, *, twice: bool = True) -> str:
    """A password, which is not shown; through a pipe, a line of it. Raises `Failed`."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(t("{prompt}: ", prompt=prompt))
    if twice and getpass.getpass(t("Again: ")) != first:
        raise Failed(t("The two are not the same; nothing was done."), code=2)
    return first
