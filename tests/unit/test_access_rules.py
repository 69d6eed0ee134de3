"""Who may do what, as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluiceway.domain.access import ALLOWS, EVERY_PROJECT, LOCAL, OF_A_QUEUE, PROJECT, USER, Action, Caller, Grant, Role

V, O, W, A = Role.VIEWER, Role.OPERATOR, Role.OWNER, Role.ADMIN  # noqa: E741 - the columns of the table
WHO_MAY = {
    Action.LIST: {V, O, W, A},
    Action.GET: {V, O, W, A},
    Action.EVENTS: {V, O, W, A},
    Action.START: {O, W, A},
    Action.STOP: {O, W, A},
    Action.VERIFY: {O, W, A},
    Action.CREATE: {W, A},
    Action.UPDATE: {W, A},
    Action.DELETE: {W, A},
    Action.EXPORT: {W, A},
    Action.DENIALS: {W, A},
    Action.REMOVE: {W, A},
    Action.CLUSTERS: {A},
    Action.TARGET: {A},
}


@pytest.mark.parametrize("action", Action)
def test_which_roles_allow_an_action(action: Action) -> None:
    assert {role for role in Role if action in ALLOWS[role]} == WHO_MAY[action]


def test_each_role_allows_what_the_one_before_does() -> None:
    assert ALLOWS[V] < ALLOWS[O] < ALLOWS[W] < ALLOWS[A]


# grant, asked for, and whether it is allowed
CASES = [
    (Grant(O, "p"), (Action.STOP, "p", None), True),
    (Grant(O, "p"), (Action.STOP, "p", "q"), True),
    (Grant(O, "p"), (Action.STOP, "other", None), False),
    (Grant(O, "p"), (Action.STOP, "P", None), False),
    (Grant(O, "p", "q"), (Action.STOP, "p", "q"), True),
    (Grant(O, "p", "q"), (Action.STOP, "p", "r"), False),
    (Grant(O, "p", "q"), (Action.STOP, "p", ""), False),
    (Grant(O, "p", "q"), (Action.STOP, "p", None), True),  # on some queue
    (Grant(O, "p", "q"), (Action.START, "p", "r"), False),
    (Grant(O, "p", "q"), (Action.GET, "p", "r"), True),  # queues matter for starting and stopping alone
    (Grant(W, "p", "q"), (Action.DELETE, "p", "r"), True),
    (Grant(V, "p"), (Action.STOP, "p", None), False),
    (Grant(V, EVERY_PROJECT), (Action.GET, "p", None), True),
    (Grant(V, EVERY_PROJECT), (Action.CREATE, "p", None), False),
    (Grant(O, EVERY_PROJECT, "q"), (Action.START, "p", "r"), False),
    (Grant(W, "p"), (Action.TARGET, "p", None), False),
    (Grant(A, "p"), (Action.TARGET, "other", None), False),
]


@pytest.mark.parametrize(("grant", "asked", "allowed"), CASES)
def test_what_a_grant_allows(grant: Grant, asked: tuple[Action, str, str | None], allowed: bool) -> None:
    assert grant.allows(*asked) is allowed
    assert Caller("u", [grant]).may(*asked) is allowed


def test_grants_add_up() -> None:
    caller = Caller("u", [Grant(V, "p"), Grant(O, "p", "q"), Grant(O, "r")])
    assert [caller.may(Action.STOP, "p", queue) for queue in ("q", "x")] == [True, False]
    assert caller.may(Action.STOP, "r", "x")


def test_a_token_holds_its_caller_to_one_project() -> None:
    caller = Caller("u", [Grant(A, EVERY_PROJECT)], "p")
    assert [caller.may(Action.GET, project) for project in ("p", "r")] == [True, False]


def test_without_a_grant_nothing_is_allowed_and_without_sign_in_everything() -> None:
    assert not any(Caller("u").may(action, "p") for action in Action)
    assert all(LOCAL.may(action, "p", "q") for action in Action)


grants = st.builds(Grant, st.sampled_from(Role), st.sampled_from(["p", "r", "*"]), st.sampled_from([None, "q", "s"]))


@given(st.lists(grants), grants, st.sampled_from(Action), st.sampled_from([None, "q", "t"]))
def test_a_further_grant_never_takes_a_right_away(had: list[Grant], more: Grant, action: Action, queue: str) -> None:
    assert Caller("u", [*had, more]).may(action, "p", queue) >= Caller("u", had).may(action, "p", queue)


@given(st.lists(grants), st.sampled_from(sorted(OF_A_QUEUE)), st.sampled_from(["q", "t"]))
def test_a_right_on_a_queue_is_a_right_on_some_queue(had: list[Grant], action: Action, queue: str) -> None:
    caller = Caller("u", had)
    assert caller.may(action, "p") >= caller.may(action, "p", queue)


@given(st.lists(grants), st.sampled_from(Action), st.sampled_from(["p", "r"]), st.sampled_from(["q", "s", "t"]))
def test_the_queues_of_a_right_are_those_that_it_is_had_on(
    had: list[Grant], action: Action, project: str, queue: str
) -> None:
    for caller in (Caller("u", had), Caller("u", had, "p")):
        queues = caller.queues(action, project)
        assert caller.may(action, project, queue) == (queues is None or queue in queues)


def test_names_of_users_and_projects() -> None:
    assert all(USER.fullmatch(name) for name in ("ann", "a.b-c_d@example.com", "9"))
    assert not any(USER.fullmatch(name) for name in ("", "-x", "a b", "a/b", "é", "a\n", "x" * 65))
    assert not any(PROJECT.fullmatch(name) for name in ("", "*", "a-b", "x" * 65))
