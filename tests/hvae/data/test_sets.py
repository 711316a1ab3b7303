"""The data sets: what they hold, where they are found, and what is said when a file is wrong."""

import functools
import gzip
import hashlib
import http.server
import os
import struct
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossbar.errors import CorruptFile, MissingFile, UnknownName
from hvae.data import idx, sets
from hvae.data import sources as dataset_files
from hvae.data.sources import FileRecord, Source

REAL_MNIST = os.environ.get(dataset_files.FOLDER_VARIABLE, "")
SHAPES = {
    "train-images-idx3-ubyte": (12, 28, 28),
    "train-labels-idx1-ubyte": (12,),
    "t10k-images-idx3-ubyte": (6, 28, 28),
    "t10k-labels-idx1-ubyte": (6,),
}


def idx_bytes(array):
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def contents(rng):
    return {name: idx_bytes(rng.integers(0, 10, size=shape)) for name, shape in SHAPES.items()}


@pytest.fixture
def folder(contents, tmp_path):
    held = tmp_path / "held"
    held.mkdir()
    for name, content in contents.items():
        (held / f"{name}.gz").write_bytes(gzip.compress(content))
    return held


@pytest.fixture
def source(contents):
    files = tuple(
        FileRecord(name=name, shape=SHAPES[name], sha256=hashlib.sha256(content).hexdigest())
        for name, content in contents.items()
    )
    return Source(name="small", source="test", licence="none", mirrors=(), files=files)


@pytest.fixture(autouse=True)
def no_surprise(monkeypatch, tmp_path):
    """No test reads the user's own folders or reaches the network."""
    monkeypatch.delenv(dataset_files.FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(dataset_files, "cache_folder", lambda: tmp_path / "cache")


def test_the_embedded_sample_is_balanced_scaled_and_disjoint():
    data = sets.load("mnist-5k")
    assert data.train_images.shape == (4000, 784)
    assert data.train_images.dtype == np.float32
    assert data.train_images.min() == -1.0
    assert data.train_images.max() == 1.0
    for split, n_per_class in [("train", 400), ("validation", 50), ("test", 50)]:
        images, labels = data.split(split)
        assert len(images) == len(labels)
        np.testing.assert_array_equal(np.bincount(labels), np.full(10, n_per_class))
    rows = np.concatenate([data.train_images, data.validation_images, data.test_images])
    assert len(np.unique(rows, axis=0)) == 5000


def test_scaling_is_exact_at_the_ends_and_undone_by_its_inverse():
    grey = np.arange(256, dtype=np.uint8).reshape(256, 1, 1)
    pixels = sets.scale(grey)
    assert pixels.shape == (256, 1)
    assert (pixels[0, 0], pixels[255, 0]) == (-1.0, 1.0)
    np.testing.assert_array_equal(np.rint((pixels[:, 0] + 1) * 127.5), np.arange(256))


def test_unknown_names_get_a_suggestion():
    with pytest.raises(UnknownName, match="did you mean 'fashion-mnist'"):
        sets.load("fashon-mnist")
    with pytest.raises(UnknownName, match="did you mean 'test'"):
        sets.load("mnist-5k").split("tset")


def test_the_checksums_file_lists_all_four_files_of_both_sets():
    sources = dataset_files.known_sources()
    assert set(sources) == {"mnist", "fashion-mnist"}
    for one in sources.values():
        assert {record.name for record in one.files} == set(SHAPES)
        assert all(len(record.sha256) == 64 for record in one.files)


def test_files_are_read_packed_or_plain(source, folder, contents):
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    (folder / "t10k-labels-idx1-ubyte").write_bytes(contents["t10k-labels-idx1-ubyte"])
    arrays = dataset_files.read(source, folder)
    assert {name: array.shape for name, array in arrays.items()} == SHAPES
    assert arrays["t10k-labels-idx1-ubyte"].tobytes() == contents["t10k-labels-idx1-ubyte"][8:]


def test_the_last_training_rows_are_the_validation_split(source, folder, monkeypatch):
    monkeypatch.setattr(sets, "VALIDATION_SIZE", 3)
    arrays = dataset_files.read(source, folder)
    data = sets._assemble(source, folder, arrays)
    assert [len(data.split(name)[0]) for name in sets.SPLITS] == [9, 3, 6]
    np.testing.assert_array_equal(data.validation_labels, arrays["train-labels-idx1-ubyte"][9:])


def test_the_order_of_search_is_argument_variable_cache(source, folder, tmp_path, monkeypatch):
    named = tmp_path / "named"
    folder.rename(tmp_path / "kept")
    for place in (named / "small", tmp_path / "variable", tmp_path / "cache" / "small"):
        place.mkdir(parents=True)
        for path in (tmp_path / "kept").iterdir():
            (place / path.name).write_bytes(path.read_bytes())
    assert dataset_files.find_folder(source) == tmp_path / "cache" / "small"
    monkeypatch.setenv(dataset_files.FOLDER_VARIABLE, str(tmp_path / "variable"))
    assert dataset_files.find_folder(source) == tmp_path / "variable"
    assert dataset_files.find_folder(source, named) == named / "small"


def test_the_folder_of_a_system_s_package_is_found_before_a_mirror_is_asked(source, folder):
    packaged = replace(source, folders=(folder,))
    assert dataset_files.find_folder(packaged) == folder
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    assert dataset_files.held_folder(packaged) is None


@pytest.mark.parametrize("kind", ["none", "file", "empty", "others"])
def test_a_mistyped_variable_is_said_before_a_mirror_is_asked(source, tmp_path, monkeypatch, kind):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "holiday.jpg").write_text("x")
    monkeypatch.setenv(dataset_files.FOLDER_VARIABLE, str(tmp_path / kind))
    monkeypatch.setattr(dataset_files, "fetch", lambda *_: pytest.fail("the network was asked"))
    with pytest.raises(MissingFile, match=r"HOPBAR_DATA is '.*', which (does not|is a file|holds no).*unset it"):
        dataset_files.find_folder(source)


@pytest.mark.parametrize("spoil", ["bytes", "shape", "png", "short"])
def test_images_of_one_s_own_are_named_and_nobody_is_told_to_remove_them(source, folder, tmp_path, spoil):
    own = {
        "bytes": idx_bytes(np.ones((12, 28, 28))), "shape": idx_bytes(np.zeros((5, 16, 16))), "png": b"\x89PNG",
        "short": idx_bytes(np.zeros((12, 28, 28)))[:-5],
    }  # fmt: skip
    (folder / "train-images-idx3-ubyte.gz").unlink()
    (folder / "train-images-idx3-ubyte").write_bytes(own[spoil])
    with pytest.raises(CorruptFile, match="Leave it where it is if it is your own") as raised:
        dataset_files.read(source, folder)
    assert not {"delete", "remove"} & set(str(raised.value).lower().split())
    cache = tmp_path / "cache" / "small"
    cache.parent.mkdir(exist_ok=True)
    folder.rename(cache)
    with pytest.raises(CorruptFile, match="own cache: remove it there"):
        dataset_files.read(source, cache)


def test_a_named_folder_without_the_files_is_refused(source, tmp_path):
    with pytest.raises(MissingFile, match="holds no such file"):
        dataset_files.find_folder(source, tmp_path)


def test_a_missing_file_is_named(source, folder):
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(MissingFile, match="lacks train-labels-idx1-ubyte"):
        dataset_files.find_folder(source, folder)


def test_a_truncated_file_is_named(source, folder):
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(
        CorruptFile, match=r"train-images-idx3-ubyte.gz is truncated .* not the file .* Leave it where it is"
    ):
        dataset_files.read(source, folder)


def test_a_changed_byte_is_found(source, folder, contents):
    content = bytearray(contents["train-images-idx3-ubyte"])
    content[500] ^= 1
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(CorruptFile, match=r"checksum is .* expected"):
        dataset_files.read(source, folder)


def test_a_wrong_shape_is_found(source, folder):
    files = tuple(replace(record, shape=(9, *record.shape[1:])) for record in source.files)
    with pytest.raises(CorruptFile, match=r"shape \(12, 28, 28\), but 'small' needs \(9, 28, 28\)"):
        dataset_files.read(replace(source, files=files), folder)


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\x08", b"PNG nonsense", idx_bytes(np.zeros((3, 4)))[:-1], b"\0\0\x08\x03\0\0"]
)
def test_bytes_that_are_no_idx_file_are_refused(content):
    with pytest.raises(CorruptFile, match=r"file (is not an IDX file|holds)"):
        idx.parse(content, "file")


def test_files_of_another_data_set_are_not_taken_for_this_one(folder, contents, source, monkeypatch):
    files = tuple(replace(record, sha256="0" * 64) for record in source.files)
    other = replace(source, name="other", files=files)
    monkeypatch.setattr(dataset_files, "known_sources", lambda: {"small": source, "other": other})
    with pytest.raises(MissingFile, match="holds the data set 'small', but 'other' needs"):
        dataset_files.find_folder(other, folder)


@pytest.fixture
def mirror(folder):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def with_mirrors(source, *mirrors):
    return replace(source, mirrors=mirrors)


def test_missing_files_are_fetched_from_the_first_mirror_that_answers(source, mirror, tmp_path):
    found = dataset_files.find_folder(with_mirrors(source, "http://127.0.0.1:9/", mirror))
    assert found == tmp_path / "cache" / "small"
    assert {name: array.shape for name, array in dataset_files.read(source, found).items()} == SHAPES


def test_a_mirror_with_other_files_is_passed_over(source, mirror, folder, tmp_path):
    wrong = tuple(replace(record, sha256="0" * 64) for record in source.files)
    with pytest.raises(MissingFile, match="is not the file that 'small' needs"):
        dataset_files.find_folder(replace(with_mirrors(source, mirror), files=wrong))
    assert not list((tmp_path / "cache").rglob("*.gz"))


def test_an_interrupted_download_is_completed(source, mirror, tmp_path):
    found = dataset_files.find_folder(with_mirrors(source, mirror))
    (found / "t10k-images-idx3-ubyte.gz").unlink()
    assert dataset_files.find_folder(with_mirrors(source, mirror)) == found
    dataset_files.read(source, found)


def test_without_a_network_the_remedy_is_named(source):
    with pytest.raises(MissingFile, match=r"HOPBAR_DATA=FOLDER, or use the embedded data set mnist-5k"):
        dataset_files.find_folder(with_mirrors(source, "http://127.0.0.1:9/"))


def test_without_a_network_the_package_that_has_the_files_is_named(source):
    packaged = replace(with_mirrors(source, "http://127.0.0.1:9/"), package="dataset-small")
    with pytest.raises(MissingFile, match="install Debian's package dataset-small"):
        dataset_files.find_folder(packaged)


def test_a_damaged_embedded_sample_is_found(monkeypatch):
    monkeypatch.setattr(
        sets.tomllib,
        "loads",
        lambda text: {"mnist-5k": {"file": "mnist_5k.h5", "images_sha256": "0", "labels_sha256": "0"}},
    )
    with pytest.raises(CorruptFile, match="Install hopbar again"):
        sets.load("mnist-5k")


@pytest.mark.skipif(
    not (Path(REAL_MNIST) / "t10k-labels-idx1-ubyte.gz").is_file(),
    reason="HOPBAR_DATA does not name a folder with MNIST",
)
def test_real_mnist_loads_and_contains_the_embedded_sample_where_the_readme_says():
    data = sets.load("mnist", REAL_MNIST)
    assert [len(data.split(name)[0]) for name in sets.SPLITS] == [55_000, 5000, 10_000]
    assert data.checked.startswith("SHA-256")
    known = {row.tobytes() for row in data.train_images[:5848]}
    sample = sets.load("mnist-5k")
    assert all(row.tobytes() in known for name in sets.SPLITS for row in sample.split(name)[0])
