"""The figures: what is in them, that they are written, and that nothing global is touched."""

import io
import subprocess
import sys

import numpy as np
import pytest

from crossbar.errors import InvalidValue
from hvae.reports import figures


@pytest.fixture
def images(rng):
    return rng.uniform(-2, 2, size=(7, 784))


def picture(figure):
    return figure.axes[0].images[0].get_array()


def texts(labels):
    return [label.get_text() for label in labels]


def test_a_mosaic_holds_every_image_clipped(images):
    laid = figures.mosaic(images, 4)
    assert laid.shape == (2 * 28 + 2, 4 * 28 + 6)
    np.testing.assert_array_equal(laid[30:, 60:88], np.clip(images[6], -1, 1).reshape(28, 28))
    assert np.isnan(laid[28:30]).all()  # the gap
    assert np.isnan(laid[30:, 90:]).all()  # the empty eighth place


def test_originals_are_the_first_of_each_class(images):
    labels = np.array([3, 1, 3, 0, 1, 7, 0])
    figure = figures.originals(images, labels)
    assert texts(figure.axes[0].get_xticklabels()) == ["0", "1", "3", "7"]
    np.testing.assert_array_equal(picture(figure)[:, 60:88], np.clip(images[0], -1, 1).reshape(28, 28))


def test_reconstructions_have_a_row_for_each_model(images):
    figure = figures.reconstructions(images, {"f-vae": -images, "tdh-vae": images / 2})
    assert texts(figure.axes[0].get_yticklabels()) == ["original", "f-vae", "tdh-vae"]
    np.testing.assert_array_equal(picture(figure)[30:58, :28], np.clip(-images[0], -1, 1).reshape(28, 28))
    with pytest.raises(InvalidValue, match="'f-vae' has reconstructions"):
        figures.reconstructions(images, {"f-vae": images[:3]})


def test_samples_are_titled_grids(images):
    figure = figures.samples(images, "tdh-vae, 2 epochs", n_columns=3)
    assert figure.axes[0].get_title() == "tdh-vae, 2 epochs"
    assert picture(figure).shape == (3 * 28 + 4, 3 * 28 + 4)
    rows = figures.samples_of_models({"f-vae": images, "dh-vae": images[:5]})
    assert texts(rows.axes[0].get_yticklabels()) == ["f-vae", "dh-vae"]
    assert picture(rows).shape == (2 * 28 + 2, 5 * 28 + 8)


def test_learning_curves_draw_what_the_records_hold():
    records = [
        {"epoch": 1, "sse_half": 90.0, "sweeps": 20, "model": "tdh-vae"},
        {"epoch": 2, "sse_half": 50.0, "validation_sse_half": 55.0, "unconverged": None},
        {"epoch": 3, "sse_half": 40.0},
    ]
    panels = {
        "SSE/2": {"training": "sse_half", "validation": "validation_sse_half"},
        "KL": {"training": "kl"},
        "unconverged": {"training": "unconverged"},
        "sweeps": {"training": "sweeps"},
    }
    figure = figures.learning_curves(records, panels)
    assert [axes.get_ylabel() for axes in figure.axes] == ["SSE/2", "sweeps"]
    losses = figure.axes[0].get_lines()
    assert texts(figure.axes[0].get_legend().get_texts()) == ["training", "validation"]
    np.testing.assert_array_equal(losses[0].get_xydata(), [[1, 90], [2, 50], [3, 40]])
    np.testing.assert_array_equal(losses[1].get_xydata(), [[2, 55]])
    with pytest.raises(InvalidValue, match="no record holds 'step' and any of kl, sse_half"):
        figures.learning_curves(records, panels, x="step")


def test_png_and_svg_are_written_and_repeatable(images, tmp_path):
    labels = np.arange(7)
    paths = figures.save(figures.originals(images, labels), tmp_path / "new" / "figure2.v1")
    assert [path.name for path in paths] == ["figure2.v1.png", "figure2.v1.svg"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in paths[1].read_bytes()
    again = figures.save(figures.originals(images, labels), tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


@pytest.mark.parametrize("bad", [np.zeros((0, 784)), np.zeros((2, 5, 4, 2)), np.zeros((2, 783))])
def test_images_that_are_none_are_refused(bad):
    with pytest.raises(InvalidValue, match=r"must be \(n, 784\), \(n, rows, columns\) or"):
        figures.mosaic(bad, 2)


def test_images_of_any_shape_and_colour_are_laid_out(rng):
    grey, colour = rng.uniform(-1, 1, (5, 4, 6)), rng.uniform(-2, 2, (5, 4, 6, 3))
    laid = figures.mosaic(grey, 2)
    assert laid.shape == (3 * 4 + 2 * figures.GAP, 2 * 6 + figures.GAP)
    np.testing.assert_array_equal(laid[:4, 6 + figures.GAP :], grey[1])
    np.testing.assert_array_equal(figures.mosaic(colour, 3)[:4, :6], np.clip(colour[0], -1, 1))
    figures.samples(colour, "colour").savefig(io.BytesIO())


def test_pyplot_is_never_imported():
    code = "import sys, hvae.reports.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
