"""Images of one's own: every kind of file, brought to one shape and to [-1, 1], split the same way every time."""

import gzip
import io
import struct
import zipfile
import zlib

import h5py
import numpy as np
import pytest
from PIL import Image

from crossbar.errors import CorruptFile, InvalidValue, MissingFile
from hvae.data.own import arrays, loading, pictures, shaping
from hvae.data.own.found import Part


def load(path, rows=None, columns=None, channels=None, fit="resize"):
    return loading.load(str(path), rows, columns, channels, fit)


def grey(count=40, rows=6, columns=5):
    return np.random.default_rng(0).integers(0, 256, (count, rows, columns), dtype=np.uint8)


def together(found):
    return np.concatenate([found.images[name] for name in ("train", "validation", "test")])


def idx_bytes(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_npy(folder, images, labels):
    np.save(folder / "a.npy", images)
    return folder / "a.npy"


def write_npz(folder, images, labels):
    np.savez_compressed(folder / "a.npz", images=images, labels=labels)
    return folder / "a.npz"


def write_hdf5(folder, images, labels):
    with h5py.File(folder / "a.h5", "w") as file:
        file["images"], file["labels"] = images, labels
    return folder / "a.h5"


def write_idx(folder, images, labels):
    (folder / "own-images-idx3-ubyte").write_bytes(idx_bytes(images))
    (folder / "own-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels.astype(np.uint8))))
    return folder / "own-images-idx3-ubyte"


def write_pictures(folder, images, labels):
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / "p" / f"class {label}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "p" / f"class {label}" / f"{number:03}.png")
    return folder / "p"


KINDS = [write_npy, write_npz, write_hdf5, write_idx, write_pictures]


@pytest.mark.parametrize("write", KINDS)
def test_every_kind_of_file_gives_the_same_images(write, tmp_path):
    images = grey()
    labels = np.arange(40) % 3
    place = tmp_path / "with space ü"
    place.mkdir()
    found = load(write(place, images, labels))
    assert found.shape == (6, 5, 1)
    assert {name: len(one) for name, one in found.images.items()} == {"train": 32, "validation": 4, "test": 4}
    wanted = images.reshape(40, -1) / 127.5 - 1
    order = np.lexsort(together(found).T), np.lexsort(wanted.T)
    np.testing.assert_allclose(together(found)[order[0]], wanted[order[1]], atol=1e-6)
    if write is not write_npy:
        own = np.concatenate([found.labels[name] for name in ("train", "validation", "test")])
        np.testing.assert_array_equal(own[order[0]], labels[order[1]])


def test_images_are_dealt_out_once_and_the_same_way_every_time(tmp_path):
    path = write_npz(tmp_path, grey(100), np.arange(100))
    first, again = load(path), loading.load.__wrapped__(str(path), None, None, None, "resize")
    numbers = [first.labels[name] for name in ("train", "validation", "test")]
    assert sorted(np.concatenate(numbers)) == list(range(100))
    assert first.checksum == again.checksum
    for name, one in first.images.items():
        np.testing.assert_array_equal(one, again.images[name])


def test_splits_that_a_file_names_are_kept(tmp_path):
    images = grey(60)
    np.savez(tmp_path / "k.npz", x_train=images[:50], y_train=np.arange(50), x_test=images[50:], y_test=np.arange(10))
    found = load(tmp_path / "k.npz")
    np.testing.assert_allclose(found.images["test"], images[50:].reshape(10, -1) / 127.5 - 1, atol=1e-6)
    assert (len(found.images["train"]), len(found.images["validation"])) == (45, 5)
    assert found.labels["test"].tolist() == list(range(10))


def test_a_folder_of_idx_files_is_kmnists_or_emnists(tmp_path):
    images = grey(50, 28, 28)
    for stem, part in (("emnist-letters-train", images[:40]), ("emnist-letters-test", images[40:])):
        (tmp_path / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(part)))
        (tmp_path / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(np.ones(len(part), np.uint8))))
    found = load(tmp_path)
    assert found.shape == (28, 28, 1)
    assert len(found.images["test"]) == 10
    assert set(found.labels["train"]) == {1}
    (tmp_path / "k-train-images-idx3-ubyte").write_bytes(idx_bytes(images))
    with pytest.raises(InvalidValue, match="several data sets"):
        loading.read(tmp_path)


def test_colour_is_kept_made_grey_or_made_of_grey(tmp_path):
    colour = np.random.default_rng(1).integers(0, 256, (30, 8, 12, 3), dtype=np.uint8)
    np.savez(tmp_path / "c.npz", images=colour)
    assert load(tmp_path / "c.npz").shape == (8, 12, 3)
    made = load(tmp_path / "c.npz", channels=1)
    wanted = (colour @ [0.299, 0.587, 0.114]).reshape(30, -1) / 127.5 - 1
    order = np.lexsort(together(made).T), np.lexsort(wanted.T)
    np.testing.assert_allclose(together(made)[order[0]], wanted[order[1]], atol=1e-5)
    np.savez(tmp_path / "g.npz", images=grey(30))
    red, green, blue = load(tmp_path / "g.npz", channels=3).images["train"].reshape(-1, 30, 3).transpose(2, 0, 1)
    assert np.array_equal(red, green)
    assert np.array_equal(green, blue)
    np.savez(tmp_path / "first.npz", images=colour.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(load(tmp_path / "first.npz").images["test"], load(tmp_path / "c.npz").images["test"])


def test_other_sizes_are_squeezed_or_cut_around_the_middle():
    image = np.zeros((8, 16, 1), np.uint8)
    image[:, 4:12] = 200
    part = Part(images=[image], labels=np.zeros(1, np.int64))
    whole = shaping.shaped(part, (4, 4, 1), "resize", (0.0, 200.0)).reshape(4, 4)
    middle = shaping.shaped(part, (4, 4, 1), "crop", (0.0, 200.0)).reshape(4, 4)
    np.testing.assert_allclose(whole[0], [-1, 1, 1, -1])
    np.testing.assert_allclose(middle, np.ones((4, 4)))


@pytest.mark.parametrize(
    ("numbers", "scale"),
    [
        (np.array([0, 255], np.uint8), (0, 255)), (np.array([0, 65535], np.uint16), (0, 65535)),
        (np.array([0.0, 0.7]), (0, 1)), (np.array([-0.9, 0.7]), (-1, 1)), (np.array([0.0, 200.0]), (0, 255)),
        (np.array([True, False]), (0, 1)),
    ],
)  # fmt: skip
def test_the_scale_follows_the_type_and_range(numbers, scale):
    part = Part(images=[numbers.reshape(1, 2, 1)], labels=np.zeros(1, np.int64))
    assert shaping.scale_of([part], "a") == scale


def test_a_scale_that_is_not_clear_is_asked_for():
    part = Part(images=[np.array([-3.0, 900.0]).reshape(1, 2, 1)], labels=np.zeros(1, np.int64))
    with pytest.raises(InvalidValue, match="go from -3 to 900, but must lie in 0 to 1"):
        shaping.scale_of([part], "a")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1", "I;16", "CMYK"])
def test_pictures_of_every_mode_are_read(mode, tmp_path):
    drawn = Image.new("RGB" if mode == "CMYK" else mode, (7, 5))
    grey = {"L": 9, "LA": (9, 255), "P": 1, "1": 1, "I;16": 900}
    drawn.putpixel((2, 1), grey.get(mode, (9, 9, 9, 255)[: len(drawn.getbands())]))
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    (drawn.convert("CMYK") if mode == "CMYK" else drawn).save(path)
    found = pictures.picture(path)
    assert found.shape == (5, 7, 3 if mode in {"RGB", "RGBA", "P", "CMYK"} else 1)
    assert found.dtype == (np.uint16 if mode == "I;16" else np.uint8)


def bomb(folder):
    """A picture that claims more pixels than it should."""
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    content = io.BytesIO()
    Image.new("L", (1, 1)).save(content, "PNG")
    whole = bytearray(content.getvalue())
    whole[16:29] = header
    whole[29:33] = struct.pack(">I", zlib.crc32(bytes(whole[12:29])))
    (folder / "bomb.png").write_bytes(bytes(whole))
    return folder


def pickled(folder):
    np.save(folder / "p.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return folder / "p.npy"


def pickled_npz(folder):
    np.savez(folder / "p.npz", images=np.array([{"a": 1}] * 30, dtype=object))
    return folder / "p.npz"


def zip_bomb(folder):
    with zipfile.ZipFile(folder / "b.npz", "w", zipfile.ZIP_DEFLATED) as packed, packed.open("images.npy", "w") as out:
        for _ in range(70):
            out.write(bytes(2**20))
    return folder / "b.npz"


def file_of(name, content):
    def write(folder):
        (folder / name).write_bytes(content)
        return folder / name

    return write


def in_folder(content):
    return lambda folder: file_of("a.png", content)(folder).parent


def array_of(array):
    def write(folder):
        np.save(folder / "a.npy", array)
        return folder / "a.npy"

    return write


BAD = {
    "nothing there": (lambda folder: folder / "none.npz", MissingFile, "no images at"),
    "empty file": (file_of("a.npz", b""), CorruptFile, "is empty"),
    "no zip": (file_of("a.npz", b"hello"), CorruptFile, r"no \.npz file"),
    "truncated npy": (file_of("a.npy", b"\x93NUMPY\x01\x00v\x00{'descr'"), CorruptFile, r"no \.npy file"),
    "pickle in npy": (pickled, CorruptFile, "plain array"),
    "pickle in npz": (pickled_npz, CorruptFile, "plain arrays"),
    "pickle file": (file_of("a.pkl", b"\x80\x04."), InvalidValue, "is none of"),
    "no hdf5": (file_of("a.h5", b"hello"), CorruptFile, "a.h5"),
    "no idx": (file_of("x-images-idx3-ubyte", b"\0\0\x08\x03"), CorruptFile, "IDX"),
    "half a gzip": (file_of("x-images-idx3-ubyte.gz", gzip.compress(bytes(5000))[:30]), CorruptFile, "truncated"),
    "no picture": (in_folder(b"nothing"), CorruptFile, "no picture"),
    "half a picture": (in_folder(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), CorruptFile, "a.png"),
    "huge picture": (bomb, CorruptFile, "make it smaller"),
    "empty folder": (lambda folder: folder, InvalidValue, "no pictures"),
    "text": (array_of(np.array(["a"] * 30)), InvalidValue, "must hold numbers"),
    "not finite": (array_of(np.full((30, 5, 5), np.nan)), InvalidValue, "must be finite"),
    "one image": (array_of(np.zeros((1, 5, 5))), InvalidValue, "holds 1 images, but 20 are needed"),
    "no square": (array_of(np.zeros((30, 7))), InvalidValue, "no square"),
    "five axes": (array_of(np.zeros((30, 5, 5, 1, 1))), InvalidValue, "must be images"),
    "too large": (array_of(np.zeros((30, 65, 5), np.uint8)), InvalidValue, r"set `data\.rows`"),
    "too small": (array_of(np.zeros((30, 3, 5), np.uint8)), InvalidValue, r"set `data\.rows`"),
    "complex": (array_of(np.zeros((30, 5, 5), complex)), InvalidValue, "must hold numbers"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_told_in_one_line(case, tmp_path):
    write, error, told = BAD[case]
    with pytest.raises(error, match=told) as caught:
        load(write(tmp_path))
    assert "\n" not in str(caught.value)


def test_what_would_unpack_to_more_than_is_read_is_refused_before_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "LARGEST", 2**26)
    with pytest.raises(InvalidValue, match=r"unpacks to 0\.1 GiB"):
        arrays.npz(zip_bomb(tmp_path))
    (tmp_path / "x-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(2**26 + 10)))
    with pytest.raises(CorruptFile, match="unpacks to more than"):
        arrays.idx_file(tmp_path / "x-images-idx3-ubyte.gz")


def test_names_that_say_nothing_are_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", pictures=grey())
    with pytest.raises(InvalidValue, match="holds pictures, and none of it is called `images`"):
        load(tmp_path / "a.npz")


def test_labels_that_do_not_belong_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=grey(), labels=np.arange(39))
    with pytest.raises(InvalidValue, match="must hold 40 whole numbers as labels"):
        load(tmp_path / "a.npz")
