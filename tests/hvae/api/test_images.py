"""Images from Python: loaded as a run loads them, drawn, and compared."""

import numpy as np
import pytest

import hvae
from crossbar.errors import InvalidValue, UnknownName
from hvae.config.run import DataConfig
from hvae.runs import images
from hvae.scores import distances, features


def test_images_are_those_of_a_run():
    ours = hvae.load_images("mnist-5k", size=14, limit=30)
    theirs = images.load(DataConfig(name="mnist-5k", image_size=14, train_limit=30))
    assert ours.train_images.tobytes() == theirs.train_images.tobytes()
    assert ours.test_images.tobytes() == theirs.test_images.tobytes()


@pytest.mark.parametrize(
    ("wanted", "message"), [({"size": 10}, "data.image_size"), ({"limit": 0}, "`data.train_limit` must be at least 1")]
)
def test_another_size_or_limit_is_refused(wanted, message):
    with pytest.raises(InvalidValue, match=message):
        hvae.load_images("mnist-5k", **wanted)


def test_an_unknown_data_set_is_named():
    with pytest.raises(UnknownName, match="did you mean 'mnist'"):
        hvae.load_images("mnits")


def test_the_distance_of_a_set_to_itself_is_zero_and_grows_with_noise(rng):
    digits = hvae.load_images("mnist-5k", size=14).test_images
    noise = [np.clip(digits + strength * rng.normal(size=digits.shape), -1, 1) for strength in (0.2, 0.6)]
    own, little, much = (hvae.frechet_distance(one, digits) for one in (digits, *noise))
    assert own < 1e-6 * little
    assert little < much


def test_the_distance_is_that_of_the_classifiers_features():
    """As `hopbar evaluate` takes it: features of 28 x 28 images, small ones enlarged."""
    digits = hvae.load_images("mnist-5k", size=7)
    net = features.net_of("mnist-5k")
    known = [net.extract(images.enlarge(one)) for one in (digits.test_images, digits.validation_images)]
    assert hvae.frechet_distance(digits.test_images, digits.validation_images) == distances.frechet_distance(*known)


@pytest.mark.parametrize("shape", [(4, 50), (0, 784), (784,)])
def test_what_is_no_image_is_refused(shape):
    with pytest.raises(InvalidValue, match="784, 196 or 49"):
        hvae.draw_images(np.zeros(shape))
    with pytest.raises(InvalidValue, match="784, 196 or 49"):
        hvae.frechet_distance(np.zeros((4, 49)), np.zeros(shape))


def test_pixels_that_are_not_finite_and_unknown_classifiers_are_refused():
    with pytest.raises(InvalidValue, match="must be finite"):
        hvae.draw_images(np.full((2, 49), np.nan))
    with pytest.raises(UnknownName, match="unknown data set"):
        hvae.frechet_distance(np.zeros((4, 49)), np.zeros((4, 49)), dataset="cifar")


def test_a_drawing_shows_every_image(tmp_path):
    drawn = hvae.draw_images(np.linspace(-2, 2, 3 * 49).reshape(3, 49), title="three", n_columns=2)
    shown = drawn.axes[0].images[0].get_array()
    assert shown.shape == (2 * 30 - 2, 2 * 30 - 2)
    assert shown.min() == -1
    assert shown.max() == 1
    drawn.savefig(tmp_path / "three.png")
    assert drawn._repr_png_().startswith(b"\x89PNG")  # what a notebook shows, pyplot or not
