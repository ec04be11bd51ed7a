"""Parts of a step as CUDA graphs, with a stand-in that runs the part again where a GPU would replay it."""

from contextlib import contextmanager

import pytest
import torch

from stylegan.training.machine import graphs
from stylegan.training.machine.graphs import EAGER_STEPS, Recordings


class StandIn:
    """A graph that fills its results anew, from the same places in memory, as a replay does."""

    def replay(self):
        results = graphs.tensors(self.part(*self.args))
        for kept, new in zip(self.leaves, results, strict=True):
            kept.copy_(new)


@pytest.fixture
def replays(monkeypatch):
    """Without a GPU; a list of the parts that were recorded."""
    recorded = []

    class Recording(graphs.Recording):
        def __init__(self, part, args, pool):
            super().__init__(part, args, pool)
            self.graph.part, self.graph.args, self.graph.leaves = part, self.args, graphs.tensors(self.leaves)
            recorded.append(part)

    @contextmanager
    def capture(graph, pool):
        yield

    monkeypatch.setattr(graphs, "Recording", Recording)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", StandIn)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 1))
    return recorded


def double(x, more):
    """Nested as the results of a step are."""
    return [2 * x, None], {"sum": x.sum() + more[0]}


def test_a_part_is_recorded_once_and_gives_the_same(replays):
    recordings = Recordings()
    for i in range(EAGER_STEPS + 3):
        x, more = torch.arange(3.0) + i, [torch.tensor(float(i)), None]
        (doubled, nothing), found = recordings.run("double", double, x, more)
        assert torch.equal(doubled, 2 * x) and nothing is None
        assert found["sum"] == x.sum() + i
        assert len(replays) == (i >= EAGER_STEPS)


def test_results_are_not_overwritten_by_the_next_run(replays):
    recordings = Recordings()
    runs = [recordings.run("double", double, torch.full((2,), float(i)), [torch.zeros(())]) for i in range(6)]
    assert [doubled[0].item() for (doubled, _), _ in runs] == [0, 2, 4, 6, 8, 10]
    assert [found["sum"].item() for _, found in runs] == [0, 2, 4, 6, 8, 10]


def test_parts_with_other_keys_have_recordings_of_their_own(replays):
    recordings = Recordings()
    for key in ("D", "G") * 4:
        recordings.run(key, double, torch.ones(2), [torch.zeros(())])
    assert len(replays) == 2


def test_a_part_that_cannot_be_recorded_goes_on_as_it_is(replays, monkeypatch):
    @contextmanager
    def refuse(graph, pool):
        raise RuntimeError("operation not permitted when stream is capturing")
        yield

    monkeypatch.setattr(torch.cuda, "graph", refuse)
    recordings = Recordings()
    with pytest.warns(UserWarning, match="cannot be recorded as a CUDA graph") as warned:
        for i in range(6):
            (doubled, _), _ = recordings.run("double", double, torch.full((2,), float(i)), [torch.zeros(())])
            assert doubled[0] == 2 * i
    assert len(warned) == 1
