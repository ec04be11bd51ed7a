"""The public names."""

import pytest

import stylegan


@pytest.mark.parametrize("name", stylegan.__all__)
def test_every_public_name_is_there_and_documented(name):
    found = getattr(stylegan, name)
    if callable(found) or name == "losses":
        assert found.__doc__


def test_the_losses_are_public():
    assert {"d_logistic", "g_logistic", "r1", "d_wgan_gp", "g_wgan"} <= set(dir(stylegan.losses))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'generater'"):
        _ = stylegan.generater
