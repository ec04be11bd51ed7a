"""What truncation pulls towards: means and cluster centres of W."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from stylegan.errors import InputError
from stylegan.sampling.controls import Controls
from stylegan.sampling.latents import draw_w
from stylegan.sampling.sampler import recipe
from stylegan.sampling.truncation import cluster_centers, estimate_w_avg


def test_the_estimated_mean_is_the_mean_of_w_over_the_samples(G):
    z = torch.from_numpy(np.random.RandomState(5).randn(300, 16)).float()
    assert_close(estimate_w_avg(G, 300, seed=5), G.mapping(z).mean(dim=0))


def test_the_mean_of_a_class_is_not_that_of_another(labelled):
    means = [estimate_w_avg(labelled, 4000, c=torch.eye(3)[k : k + 1]) for k in range(3)]
    assert min((means[0] - means[1]).norm(), (means[1] - means[2]).norm()) > 0.01
    overall = estimate_w_avg(labelled, 4000)
    assert (overall - sum(means) / 3).norm() < (means[0] - means[1]).norm() / 5  # classes are drawn evenly


def test_w_lies_nearer_to_its_cluster_centre_than_to_the_mean(G):
    w = draw_w(G, 1000)
    centers = cluster_centers(G, 8, count=1000)
    assert centers.shape == (8, 16)
    assert torch.cdist(w, centers).amin(dim=1).square().mean() < (w - w.mean(dim=0)).square().sum(dim=1).mean()


def test_each_centre_is_the_mean_of_the_w_nearest_to_it(G):
    w, centers = draw_w(G, 500), cluster_centers(G, 4, count=500)
    owner = torch.cdist(w, centers).argmin(dim=1)
    assert_close(torch.stack([w[owner == k].mean(dim=0) for k in range(4)]), centers)


def test_the_same_seed_gives_the_same_centres(G):
    assert torch.equal(cluster_centers(G, 4, count=300), cluster_centers(G, 4, count=300))


def test_psi_zero_towards_centres_gives_at_most_as_many_pictures_as_centres(G):
    ws = recipe(G, range(40), Controls(psi=0, towards="centers:3")).ws
    assert 1 < len(ws[:, 0].unique(dim=0)) <= 3


def test_psi_zero_towards_an_estimated_mean_gives_that_mean(G):
    ws = recipe(G, [0], Controls(psi=0, towards="mean:200")).ws
    assert torch.equal(ws[0, 0], estimate_w_avg(G, 200))


@pytest.mark.parametrize("towards", ["median", "mean:", "mean:0", "centers", "centers:-1", ""])
def test_any_other_target_is_refused(G, towards):
    with pytest.raises(InputError, match=r"must be mean \(from training\), mean:N"):
        recipe(G, [0], Controls(towards=towards))


def test_more_centres_than_samples_are_refused(G):
    with pytest.raises(InputError, match="centers:11: must be at most 10"):
        cluster_centers(G, 11, count=10)
