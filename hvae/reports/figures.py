"""The paper's Figures 2 to 4 and the learning curves, from arrays to PNG and SVG.

Every function returns a matplotlib `Figure`; `save` writes it.  Nothing here touches pyplot or its global state.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crossbar.errors import InvalidValue

SIDE = 28
GAP = 2  # white pixels between images
INCHES_PER_IMAGE = 0.62
MOST_CLASSES = 20  # of a picture with one image a class
COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)  # Okabe and Ito: safe for colour-blind eyes


class Picture(Figure):
    """A figure that notebooks show: without pyplot nothing else tells them how to."""

    def _repr_png_(self) -> bytes:
        png = io.BytesIO()
        self.savefig(png, format="png")
        return png.getvalue()


def first_of_each_class(labels: np.ndarray) -> np.ndarray:
    """Return the row of the first image of each class, in the order of the classes."""
    return np.unique(labels, return_index=True)[1]


def originals(images: np.ndarray, labels: np.ndarray) -> Figure:
    """Draw the first image of each class (paper, Figure 2).

    Parameters
    ----------
    images : ndarray, shape (n, 784), (n, rows, columns) or (n, rows, columns, 3)
        Pixels in [-1, 1].
    labels : ndarray, shape (n,)
        Their classes.
    """
    chosen = first_of_each_class(labels)[:MOST_CLASSES]
    images = pictures(images[chosen])
    figure, axes = _canvas(1, len(chosen), images.shape[1:])
    _show(axes, images, len(chosen))
    _label_columns(axes, [str(label) for label in labels[chosen]], images.shape[2])
    axes.set_title("Originals: one image of each class")
    return figure


def reconstructions(images: np.ndarray, decoded: Mapping[str, np.ndarray]) -> Figure:
    """Draw images in the first row, and what each model makes of them in a row of its own (paper, Figure 3).

    Parameters
    ----------
    images : ndarray, shape (n, 784)
        The originals.
    decoded : mapping of model name to ndarray, shape (n, 784)
        The reconstructions by each model; clipped to [-1, 1].

    Raises
    ------
    InvalidValue
        If a model has not as many reconstructions as there are originals.
    """
    for name, rows in decoded.items():
        if np.shape(rows) != np.shape(images):
            raise InvalidValue(
                f"{name!r} has reconstructions {np.shape(rows)}, but the originals are {np.shape(images)}"
            )
    drawn = pictures(np.concatenate([images, *decoded.values()]))
    figure, axes = _canvas(1 + len(decoded), len(images), drawn.shape[1:])
    _show(axes, drawn, len(images))
    _label_rows(axes, ["original", *decoded], drawn.shape[1])
    axes.set_title("Reconstructions")
    return figure


def samples(images: np.ndarray, title: str, n_columns: int = 10) -> Figure:
    """Draw generated images (as `mosaic` takes them) in a grid, clipped to [-1, 1] (paper, Figure 4)."""
    images = pictures(images)
    n_rows = -(-len(images) // n_columns)
    figure, axes = _canvas(n_rows, min(n_columns, len(images)), images.shape[1:])
    _show(axes, images, n_columns)
    axes.set_title(textwrap.fill(title, max(12, 7 * min(n_columns, len(images)))))  # a picture is 7 letters wide
    return figure


def samples_of_models(generated: Mapping[str, np.ndarray]) -> Figure:
    """Draw one row of generated images ``(n, 784)`` for each model, by name (paper, Figure 4)."""
    n_columns = min(len(images) for images in generated.values())
    figure, axes = _canvas(len(generated), n_columns)
    _show(axes, np.concatenate([images[:n_columns] for images in generated.values()]), n_columns)
    _label_rows(axes, list(generated))
    axes.set_title("Generated; z from N(0, I) unless the row says otherwise")
    return figure


def learning_curves(
    records: Sequence[Mapping[str, object]],
    panels: Mapping[str, Mapping[str, str]],
    x: str = "epoch",
    title: str = "Learning curves",
) -> Figure:
    """Draw the quantities that records hold, one panel each, against `x`.

    Parameters
    ----------
    records : sequence of mappings
        The lines of metrics.jsonl; a key may be missing from some of them.
    panels : mapping of axis label to a mapping of line label to key
        What to draw together; panels and lines without any data are left out.
    x : str
        The key of the horizontal axis.
    title : str
        Above all panels.

    Raises
    ------
    InvalidValue
        If no record holds any of the keys together with `x`.
    """
    curves = {label: _curves(records, x, lines) for label, lines in panels.items()}
    drawn = {label: lines for label, lines in curves.items() if lines}
    if not drawn:
        known = sorted(key for lines in panels.values() for key in lines.values())
        raise InvalidValue(f"no record holds {x!r} and any of {', '.join(known)}")
    n_columns = min(3, len(drawn))
    n_rows = -(-len(drawn) // n_columns)
    figure = Figure(figsize=(4.2 * n_columns, 0.4 + 3.0 * n_rows), layout="constrained")
    figure.suptitle(title)
    for number, (label, lines) in enumerate(drawn.items(), start=1):
        _draw_panel(figure.add_subplot(n_rows, n_columns, number), label, x, lines)
    return figure


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write ``stem.png`` and ``stem.svg`` and return both paths; the same figure gives the same bytes."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg")]
    with mpl.rc_context({"svg.hashsalt": "hopbar"}):
        figure.savefig(paths[0], dpi=200, bbox_inches="tight")
        figure.savefig(paths[1], bbox_inches="tight", metadata={"Date": None})
    return paths


def mosaic(images: np.ndarray, n_columns: int) -> np.ndarray:
    """Lay images out in rows of `n_columns` with gaps of NaN, or of white in colour, clipped to [-1, 1].

    Parameters
    ----------
    images : ndarray (n, 784), (n, rows, columns) or (n, rows, columns, 3)

    Raises
    ------
    InvalidValue
        If there is no image, or they have another shape.
    """
    images = pictures(images)
    height, width = images.shape[1:3]
    n_columns = min(n_columns, len(images))
    n_rows = -(-len(images) // n_columns)
    ground = np.nan if images.ndim == 3 else 1.0
    tiles = np.full((n_rows * n_columns, height + GAP, width + GAP, *images.shape[3:]), ground)
    tiles[: len(images), :height, :width] = np.clip(images, -1, 1)
    rows = tiles.reshape(n_rows, n_columns, *tiles.shape[1:]).swapaxes(1, 2)
    return rows.reshape(n_rows * (height + GAP), n_columns * (width + GAP), *images.shape[3:])[:-GAP, :-GAP]


def pictures(images: np.ndarray) -> np.ndarray:
    """Return images as float64 (n, rows, columns) or (n, rows, columns, 3); rows of 784 pixels are 28 x 28.

    Raises
    ------
    InvalidValue
        If there is no image, or they have another shape.
    """
    images = np.asarray(images, dtype=np.float64)
    if images.ndim == 2 and images.shape[1] == SIDE * SIDE:
        images = images.reshape(-1, SIDE, SIDE)
    if not len(images) or not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)):
        raise InvalidValue(
            f"`images` must be (n, {SIDE * SIDE}), (n, rows, columns) or (n, rows, columns, 3) with n of at least 1, "
            f"but got {images.shape}"
        )
    return images


def _canvas(n_rows: int, n_columns: int, shape: tuple[int, ...] = (SIDE, SIDE)) -> tuple[Figure, Axes]:
    high, wide = (INCHES_PER_IMAGE * side / max(shape[:2]) for side in shape[:2])
    size = (1.2 + wide * n_columns, 0.7 + high * n_rows)
    figure = Picture(figsize=size, layout="constrained")
    return figure, figure.add_subplot()


def _show(axes: Axes, images: np.ndarray, n_columns: int) -> None:
    drawn = mosaic(images, n_columns)
    if drawn.ndim == 3:
        drawn = (drawn + 1) / 2  # colours are drawn from 0 to 1
    axes.imshow(drawn, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _label_columns(axes: Axes, labels: Sequence[str], side: int = SIDE) -> None:
    axes.set_xticks(_centres(len(labels), side), labels)
    axes.tick_params(length=0)


def _label_rows(axes: Axes, labels: Sequence[str], side: int = SIDE) -> None:
    axes.set_yticks(_centres(len(labels), side), labels)
    axes.tick_params(length=0)


def _centres(n: int, side: int) -> np.ndarray:
    return np.arange(n) * (side + GAP) + (side - 1) / 2


def _curves(records: Sequence[Mapping[str, object]], x: str, lines: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return the points ``(n, 2)`` of each line whose key is in some record together with `x`."""
    found = {label: [(one.get(x), one.get(key)) for one in records] for label, key in lines.items()}
    numeric = {label: [pair for pair in pairs if all(map(_is_number, pair))] for label, pairs in found.items()}
    return {label: np.array(pairs, dtype=float) for label, pairs in numeric.items() if pairs}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _draw_panel(axes: Axes, label: str, x: str, lines: Mapping[str, np.ndarray]) -> None:
    for colour, (name, points) in zip(COLOURS, lines.items(), strict=False):
        axes.plot(points[:, 0], points[:, 1], color=colour, label=name, marker="o" if len(points) < 30 else "")
    if all((points[:, 1] >= 0).all() for points in lines.values()):
        axes.set_ylim(bottom=0)
    axes.set_xlabel(x)
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(lines) > 1:
        axes.legend(frameon=False)
