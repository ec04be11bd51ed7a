"""Whose picture comes next."""

import threading

import pytest

from stylegan.explorer.turns import MOST_CLIENTS, MOST_PLACES, BusyError, OvertakenError, Turns


@pytest.fixture
def held():
    """Turns whose thread is busy until held.go is set; done: what was computed, in order."""
    turns = Turns()
    turns.go, turns.done, begun = threading.Event(), [], threading.Event()

    def wait():
        begun.set()
        turns.go.wait(60)

    turns.submit("first", "main", wait)
    assert begun.wait(60)
    turns.ask = lambda client, place="main", what=None: turns.submit(
        client, place, lambda: turns.done.append(what or f"{client} {place}")
    )
    yield turns
    turns.go.set()
    turns.close()


def test_the_newest_request_of_a_place_wins_and_is_told_to_the_older(held):
    old, new = held.ask("ann", what="old"), held.ask("ann", what="new")
    with pytest.raises(OvertakenError, match="a newer request"):
        old.result(60)
    held.go.set()
    new.result(60)
    assert held.done == ["new"]


def test_other_places_and_other_clients_are_not_overtaken(held):
    waiting = [held.ask("ann"), held.ask("ann", "b"), held.ask("bob")]
    held.go.set()
    for each in waiting:
        each.result(60)
    assert sorted(held.done) == ["ann b", "ann main", "bob main"]


def test_clients_take_turns_and_the_large_picture_goes_first(held):
    waiting = [held.ask("ann", f"child{i}") for i in range(3)]
    waiting += [held.ask("bob"), held.ask("ann"), held.ask("bob", "b")]
    held.go.set()
    for each in waiting:
        each.result(60)
    assert held.done == ["ann main", "bob main", "ann child0", "bob b", "ann child1", "ann child2"]


def test_a_newer_request_keeps_the_turn_of_the_older(held):
    waiting = [held.ask("ann", what="old"), held.ask("bob"), held.ask("ann", what="new")]
    held.go.set()
    for each in waiting[1:]:
        each.result(60)
    assert held.done == ["new", "bob main"]


def test_a_newer_request_keeps_its_place_among_those_of_its_client(held):
    waiting = [held.ask("ann", "a", "old"), held.ask("ann", "b"), held.ask("ann", "a", "new")]
    held.go.set()
    for each in waiting[1:]:
        each.result(60)
    assert held.done == ["new", "ann b"]


def test_an_error_reaches_whoever_asked_and_the_thread_goes_on(held):
    wrong = held.submit("ann", "main", lambda: 1 / 0)
    right = held.ask("bob")
    held.go.set()
    with pytest.raises(ZeroDivisionError):
        wrong.result(60)
    right.result(60)


def test_what_nobody_waits_for_any_more_is_not_computed(held):
    given_up, other = held.ask("ann"), held.ask("bob")
    given_up.cancel()
    held.go.set()
    other.result(60)
    assert held.done == ["bob main"]


def test_the_number_that_waits_is_bounded(held):
    for i in range(MOST_PLACES):
        held.ask("ann", f"child{i}")
    with pytest.raises(BusyError, match=f"{MOST_PLACES} pictures of yours wait"):
        held.ask("ann", "one more")
    for i in range(MOST_CLIENTS - 1):
        held.ask(f"client{i}")
    with pytest.raises(BusyError, match=f"{MOST_CLIENTS} clients wait"):
        held.ask("one more")


def test_closing_ends_what_waits(held):
    waiting = held.ask("ann")
    threading.Timer(0.1, held.go.set).start()
    held.close()
    with pytest.raises(BusyError, match="closed"):
        waiting.result(60)
    with pytest.raises(BusyError, match="closed"):
        held.ask("ann")
