"""Whose picture is computed next: the newest request of a place wins, and clients take turns.

A place is one picture on somebody's page. One thread computes, as one picture takes all of the machine.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

MAIN = "main"  # the place that goes first: the large picture
MOST_CLIENTS, MOST_PLACES = 256, 64  # that wait at once


class OvertakenError(Exception):
    """A newer request for the same place came before this one was begun."""


class BusyError(Exception):
    """Too many requests wait."""


class Turns:
    """A thread that does work, one thing after the other."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, OrderedDict[str, tuple[Callable[[], Any], Future[Any]]]] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="stylegan explorer", daemon=True)
        self._thread.start()

    def submit(self, client: str, place: str, work: Callable[[], Any]) -> "Future[Any]":
        """What `work` will give. What waits for this place of this client ends with OvertakenError.

        Raises BusyError where too many wait.
        """
        future: Future[Any] = Future()
        with self._changed:
            if self._closed:
                raise BusyError("the explorer is closed")
            places = self._waiting.get(client)
            if places is None:
                if len(self._waiting) >= MOST_CLIENTS:
                    raise BusyError(f"{MOST_CLIENTS} clients wait for pictures: try again in a moment")
                places = self._waiting[client] = OrderedDict()
            overtaken = places.get(place)
            if overtaken is None and len(places) >= MOST_PLACES:
                raise BusyError(f"{MOST_PLACES} pictures of yours wait: try again in a moment")
            places[place] = (work, future)  # at the turn of the one that it overtakes
            self._changed.notify()
        if overtaken is not None:
            _fail(overtaken[1], OvertakenError("a newer request for the same place has overtaken this one"))
        return future

    @property
    def are_waiting(self) -> bool:
        """Does anybody wait?"""
        return bool(self._waiting)

    def close(self) -> None:
        """End the thread after what it does now. What waits ends with BusyError."""
        with self._changed:
            self._closed = True
            waiting = [future for places in self._waiting.values() for _, future in places.values()]
            self._waiting.clear()
            self._changed.notify()
        for future in waiting:
            _fail(future, BusyError("the explorer is closed"))
        self._thread.join()

    def _run(self) -> None:
        while (found := self._next()) is not None:
            work, future = found
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except Exception as e:  # whoever waits for it gets it
                future.set_exception(e)

    def _next(self) -> "tuple[Callable[[], Any], Future[Any]] | None":
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            client, places = self._waiting.popitem(last=False)
            found = places.pop(MAIN) if MAIN in places else places.popitem(last=False)[1]
            if places:
                self._waiting[client] = places  # behind all others
            return found


def _fail(future: "Future[Any]", error: Exception) -> None:
    """End what waits, unless whoever waited has given up."""
    if future.set_running_or_notify_cancel():
        future.set_exception(error)
