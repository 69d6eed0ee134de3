"""Contexts: which service a command works with, what the file may say, and how it is changed."""

import json
import ssl
import stat
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.support.doubles.certificates import self_made

from sluiceway.cli import context_file, issuer, kept, private, target
from sluiceway.cli.issuer import Tokens
from sluiceway.cli.kept import Kept
from sluiceway.cli.main import app, run
from sluiceway.cli.output import Failed
from sluiceway.cli.placed import placed
from sluiceway.cli.signing import Credential

FILE = """\
# ours
current = "prod"

[contexts.prod]
server = "https://prod.example"  # the one
project = "payments"

# for trying things out
[contexts.test]
server = "http://127.0.0.1:8640/"
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of contexts, with two in it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("SERVER", "PROJECT", "CONTEXT", "TOKEN", "ACCESS_KEY", "SECRET_KEY"):
        monkeypatch.delenv(f"SLUICEWAY_{name}", raising=False)
    path = tmp_path / "config" / "sluiceway" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(FILE)
    return path


# Which one. ----------------------------------------------------------------------------------------------------------

PROD, TEST, OTHER = "https://prod.example", "http://127.0.0.1:8640", "http://other:1"


@pytest.mark.parametrize(
    ("options", "environment", "server", "project"),
    [
        (("", "", ""), {}, (PROD, "context prod"), ("payments", "context prod")),
        (("", "", ""), {"CONTEXT": "test"}, (TEST, "context test"), ("default", "default")),
        (("test", "", ""), {"CONTEXT": "prod"}, (TEST, "context test"), ("default", "default")),
        (("", "", ""), {"SERVER": OTHER}, (OTHER, "SLUICEWAY_SERVER"), ("payments", "context prod")),
        (("", "", ""), {"PROJECT": "p"}, (PROD, "context prod"), ("p", "SLUICEWAY_PROJECT")),
        # A context that is typed is an option: it goes before the environment.
        (("prod", "", ""), {"SERVER": OTHER, "PROJECT": "p"}, (PROD, "context prod"), ("payments", "context prod")),
        (("test", "", ""), {"SERVER": OTHER, "PROJECT": "p"}, (TEST, "context test"), ("p", "SLUICEWAY_PROJECT")),
        (("prod", OTHER, "q"), {"SERVER": TEST, "PROJECT": "p"}, (OTHER, "--server"), ("q", "--project")),
    ],
)
def test_an_option_goes_before_the_environment_before_a_context_before_the_default(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, str, str],
    environment: dict[str, str],
    server: tuple[str, str],
    project: tuple[str, str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"SLUICEWAY_{name}", value)
    to = target.settle(*options)
    assert (to.server, to.sources["server"]) == server
    assert (to.project, to.sources["project"]) == project


def test_without_a_file_there_are_the_defaults(config: Path) -> None:
    config.unlink()
    to = target.settle("", "", "")
    assert (to.server, to.project, to.name) == ("http://127.0.0.1:8640", "default", "")
    assert to.signer() == Credential()


@pytest.mark.parametrize("by", ["option", "environment", "file"])
def test_a_context_that_is_not_there_names_those_that_are(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], by: str
) -> None:
    if by == "environment":
        monkeypatch.setenv("SLUICEWAY_CONTEXT", "gone")
    if by == "file":
        config.write_text(FILE.replace('current = "prod"', 'current = "gone"'))
    assert run(["jobs", "list", *(["--context", "gone"] if by == "option" else [])]) == 3
    said = capsys.readouterr().err
    assert {"option": "--context", "environment": "SLUICEWAY_CONTEXT", "file": str(config)}[by] in said
    assert "There are: prod, test." in said


def test_a_variable_that_holds_no_address_is_named(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEWAY_SERVER", "prod.example")
    with pytest.raises(Failed, match="SLUICEWAY_SERVER is prod"):
        target.settle("", "", "")


# As whom. ------------------------------------------------------------------------------------------------------------


def a_key(path: Path, mode: int = 0o600) -> Path:
    path.write_text(json.dumps({"access": "AK", "secret": "SK", "security_token": None, "expires_at": None}))
    path.chmod(mode)
    return path


def test_a_context_signs_with_the_access_key_in_its_file_or_in_variables(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_key(config.parent / "prod.key")
    lines = ['access_key_file = "prod.key"\n', 'access_key_env = "AK"\nsecret_key_env = "SK"\n']
    for line, expected in zip(lines, [("AK", "SK"), ("a", "s")], strict=True):
        config.write_text(FILE.replace('project = "payments"\n', line))
        monkeypatch.setenv("AK", "a")
        monkeypatch.setenv("SK", "s")
        signer = target.settle("", "", "").signer()
        assert isinstance(signer, Credential)
        assert (signer.access, signer.secret) == expected
        assert "SK" not in repr(signer).replace("AK", "")
    monkeypatch.delenv("SK")
    with pytest.raises(Failed, match="Context prod takes its access key from SK: not set") as failed:
        target.settle("", "", "").signer()
    assert failed.value.code == 4


def test_a_token_of_the_environment_goes_before_a_context_but_not_before_one_that_is_typed(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICEWAY_TOKEN", "of-the-environment")
    kept.write("prod", Kept(PROD, "ann", "kept", 1e12, {"payments": "kept-for-payments"}))

    def sent(context: str) -> object:
        return target.settle(context, "", "").signer().headers("GET", "/", "h", None)["X-Auth-Token"]

    assert sent("") == "of-the-environment"
    assert sent("prod") == "kept-for-payments"
    assert sent("test") == "of-the-environment", "it has none of its own"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_key_that_others_can_use_is_refused(config: Path, mode: int) -> None:
    path = a_key(config.parent / "prod.key", mode)
    config.write_text(FILE.replace('project = "payments"\n', 'access_key_file = "prod.key"\n'))
    with pytest.raises(Failed, match=f"chmod 600 {path}") as failed:
        target.settle("", "", "").signer()
    assert failed.value.code == 4


def test_what_is_kept_is_written_for_its_owner_alone_and_never_shown(config: Path, tmp_path: Path) -> None:
    held = Kept(PROD, "ann", "secret-token", 1e12, refresh_token="secret-refresh")
    kept.write("prod", held)
    directory = tmp_path / "state" / "sluiceway" / "sign-ins"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()] == [0o600]
    assert kept.read("prod") == held
    assert "secret" not in repr(held)


class _Says(BaseHTTPRequestHandler):
    """A service that says who calls."""

    def do_GET(self) -> None:
        content = json.dumps({"user": "ann", "project": None, "grants": []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_the_authority_of_a_context_is_trusted_for_its_server(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cert, key = self_made(tmp_path / "tls")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Says) as server:
        speaks = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        speaks.load_cert_chain(cert, key)
        server.socket = speaks.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}"
        assert run(["contexts", "add", "own", "--server", url, "--ca", str(cert)]) == 0
        assert run(["whoami", "--context", "own"]) == 0
        capsys.readouterr()
        assert run(["whoami", "--server", url]) == 5
        assert "sluiceway contexts add NAME --ca" in capsys.readouterr().err
        server.shutdown()


# What the file may say. ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace('= "prod"', '= "prod'), "line 2"),
        (lambda text: text.replace('current = "prod"', "current = 5"), "line 2: current is the name"),
        (lambda text: text.replace("current", "curent", 1), "line 2: there is no curent here"),
        (
            lambda text: text.replace("project", "projekt"),
            "line 6: context prod: Object contains unknown field `p",
        ),
        (lambda text: text.replace('"payments"', "7"), "line 6: context prod, project: Expected `str`, got `int`"),
        (lambda text: text.replace("https://prod", "prod"), "line 5: context prod, server: It is a URL"),
        (
            lambda text: text.replace("server", "user", 1),
            "line 4: context prod: Object missing required",
        ),
        (lambda text: text.replace("contexts.test", 'contexts."-t"'), "line 9: -t names no context"),
        (lambda text: f'{text}access_key_env = "A"\n', "line 11: context test, access_key_env: access_key_env and"),
        (lambda text: "contexts = 1\n", "line 1: contexts are tables"),
        (lambda text: f"{text}a = [{'[' * 5000}", "is not TOML"),
    ],
)
def test_a_file_that_is_not_understood_is_named_with_its_line(
    config: Path, change: Callable[[str], str], words: str
) -> None:
    config.write_text(change(FILE))
    with pytest.raises(Failed) as failed:
        context_file.load()
    assert words in str(failed.value)
    assert str(config) in str(failed.value)
    assert failed.value.code == 2


def test_a_file_of_other_bytes_or_of_too_many_is_refused(config: Path) -> None:
    config.write_bytes(FILE.encode() + b"# \xff\n")
    with pytest.raises(Failed, match="line 11: this is no UTF-8"):
        context_file.load()
    config.write_bytes(b"#" * (private.MOST + 1))
    with pytest.raises(Failed, match="is larger than"):
        context_file.load()


# Changing it. --------------------------------------------------------------------------------------------------------


def test_contexts_are_added_chosen_and_removed_and_remarks_stay(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["contexts", "add", "new.one", "--server", OTHER, "--project", "p"]) == 0
    assert run(["contexts", "use", "new.one"]) == 0
    assert run(["contexts", "rm", "prod"]) == 0
    assert config.read_text() == (
        'current = "new.one"\n# ours\n\n# for trying things out\n[contexts.test]\nserver = "http://127.0.0.1:8640/"\n'
        '\n[contexts."new.one"]\nserver = "http://other:1"\nproject = "p"\n'
    )
    capsys.readouterr()
    assert run(["contexts", "ls"]) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:]] == [["*", "new.one"], ["-", "test"]]


def test_the_first_context_is_the_current_one(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.unlink()
    assert run(["contexts", "list"]) == 0
    assert f"There is no context yet in {config}" in capsys.readouterr().out
    assert run(["contexts", "add", "a", "--server", OTHER]) == 0
    assert run(["contexts", "add", "b", "--server", TEST]) == 0
    assert context_file.load().current == "a"
    assert run(["contexts", "add", "a", "--server", TEST]) == 2
    assert "There is a context a already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        f'contexts = {{prod = {{server = "{PROD}"}}}}\n',
        f'[contexts]\nprod.server = "{PROD}"\n',
        f'[contexts]\n[contexts.prod]\nserver = """{PROD}"""\n[contexts."test"]\nserver = "{TEST}"\n',
    ],
)
def test_a_file_in_another_form_is_changed_rightly_or_left_alone(config: Path, text: str) -> None:
    config.write_text(text)
    before = context_file.load()
    code = run(["contexts", "remove", "prod"])
    after = context_file.load()
    assert (code, after.all) in [
        (0, {name: one for name, one in before.all.items() if name != "prod"}),
        (2, before.all),
    ]
    assert code == 0 or config.read_text() == text


def test_a_link_to_the_file_stays_one(config: Path, tmp_path: Path) -> None:
    dotfiles = config.rename(tmp_path / "dotfiles.toml")
    config.symlink_to(dotfiles)
    assert run(["contexts", "use", "test"]) == 0
    assert config.is_symlink()
    assert 'current = "test"' in dotfiles.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "-x", "--server", OTHER],
        ["add", "a b", "--server", OTHER],
        ["add", "a", "--server", "other"],
        ["add", "a", "--server", OTHER, "--project", "a-b"],
        ["add", "a", "--server", OTHER, "--access-key-env", "AK"],
        ["add", "a", "--server", OTHER, "--ca", "/nowhere/ca.pem"],
        ["add", "a"],
    ],
)
def test_a_context_that_would_not_work_is_not_added(config: Path, arguments: list[str]) -> None:
    assert run(["contexts", *arguments]) == 2
    assert config.read_text() == FILE


def test_what_commands_work_with_is_shown_with_its_sources(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLUICEWAY_PROJECT", "mine")
    assert run(["contexts", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["server"], shown["project"]) == (PROD, "mine")
    assert shown["from"] == {"context": str(config), "server": "context prod", "project": "SLUICEWAY_PROJECT"}


@pytest.mark.parametrize(
    "command",
    [*(f"contexts {verb}" for verb in ("list", "use", "add", "remove", "show")), "login", "logout", "whoami"],
)
def test_each_command_teaches(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--help"]) == 0
    assert f"Example: sluiceway {command}" in capsys.readouterr().out


# Words in other places. ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--context a stop x --all", "stop --context a x --all"),
        ("--json --server=http://s jobs list", "jobs list --json --server=http://s"),
        ("jobs --project p ls --all", "jobs list --project p --all"),
        ("jobs program x -- --json", "jobs program x -- --json"),
        ("--json jobs program x -- --topic t", "jobs program --json x -- --topic t"),
        ("ps", "jobs list"),
        ("ls --all", "jobs list --all"),
        ("jobs rm 5", "jobs delete 5"),
        ("clusters rm prod", "clusters remove prod"),
        ("variables set ls rm", "variables set ls rm"),
        ("stop ls ps", "stop ls ps"),
        ("rm 5", "rm 5"),
        ("--context", "--context"),
        ("--help", "--help"),
        ("--context a --help", "--help --context a"),
        ("--context a nonsense", "nonsense --context a"),
    ],
)
def test_global_options_stand_anywhere_and_other_tools_names_are_understood(typed: str, meant: str) -> None:
    assert placed(typed.split(), app).arguments == meant.split()


# Tokens of an issuer. ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (400, {"error": "authorization_pending"}, 5.0),
        (400, {"error": "slow_down"}, 10.0),
        (429, {}, 10.0),
        (503, "no json", 10.0),
        (200, {"access_token": "a", "expires_in": 5}, Tokens("a")),
    ],
)
def test_what_an_answer_to_the_question_for_tokens_means(status: int, said: object, expected: object) -> None:
    assert issuer.after(status, json.dumps(said).encode(), 5.0) == expected


@pytest.mark.parametrize(
    ("status", "raw"), [(400, b'{"error":"invalid_grant"}'), (400, b"["), (200, b"[" * 100_000), (302, b"")]
)
def test_other_answers_end_it(status: int, raw: bytes) -> None:
    with pytest.raises(Failed) as failed:
        issuer.after(status, raw, 5.0)
    assert failed.value.code == 4


@pytest.mark.parametrize("token", ["", "a.b.c", "a..c", f"a.{'x' * 20_000}.c", "a.W10.c", "a.eyJhdWQiOjV9.c"])
def test_a_token_without_an_audience_is_for_nobody(token: str) -> None:
    with pytest.raises(Failed, match="nobody that they name"):
        issuer.fit_for(Tokens(token), "sluiceway")
