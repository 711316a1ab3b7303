"""`hopbar wires`: losses and scores behind wires, its files, its JSON, its errors."""

import json
import shutil

import pytest

import cli
from crossbar.chip import load_chip
from hvae.config import toml_file
from hvae.onchip.chip import for_array
from hvae.runs.records import RunFolder
from hvae.training import loop

pytestmark = pytest.mark.needs_jit

SMALL = [
    "data.image_size=7", "data.train_limit=64", "training.batch_size=16", "training.epochs=1", "model.hidden=8",
    "model.latent=3", "training.validation_samples=0", "training.eigenvalue_samples=0",
]  # fmt: skip
GRID = ["--tiles", "16,64", "--resistances", "1,300", "--n-images", "12"]
FILES = {"wires.png", "wires.svg", "tiles.png", "tiles.svg", "wires.html", "wires.json"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wires")
    for model, changes in (("tdh-vae", []), ("h-vae", []), ("f-vae", []), ("tdh-vae", ["array.device=epiram"])):
        name = "chip" if changes else model
        config = for_array(toml_file.resolve(model, [], [*SMALL, *changes]))
        loop.train(RunFolder.create(folder / name, config))
    return folder


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main(["wires", *map(str, arguments)])
    printed = capsys.readouterr()
    return ended.value.code, printed.out, printed.err


def test_it_reports_draws_and_keeps(runs, capsys):
    names = "none,both-ends+column-gains,sensitivity-order,corrected-targets"
    code, out, err = call(capsys, runs / "tdh-vae", *GRID, "--compensation", names, "--json")
    assert code == 0
    assert "16 of 16" in err
    found = json.loads(out)
    assert {path.name for path in (runs / "tdh-vae" / "wires").iterdir()} == FILES
    cells = {(one["tile"], one["ohm"], one["compensation"]): one for one in found["cells"]}
    assert len(cells) == 16
    assert found["symmetry"] == "shared"
    for one in cells.values():
        assert one["asymmetry"] == 0
        assert 0 <= one["current_lost"] <= one["current_lost_worst"] < 1
        assert one["unsettled"] == 0
    for tile in (16, 64):
        plain = cells[tile, 300.0, "none"]
        assert cells[tile, 1.0, "none"]["weight_error"] < plain["weight_error"]
        for name in names.split(",")[1:]:
            assert cells[tile, 300.0, name]["weight_error"] <= plain["weight_error"], (tile, name)
    assert cells[16, 300.0, "none"]["current_lost"] < cells[64, 300.0, "none"]["current_lost"]
    near, ideal = cells[16, 1.0, "both-ends+column-gains"], found["ideal"]
    assert near["sse_half"] == pytest.approx(ideal["sse_half"], rel=1e-3)
    assert near["frechet_distance"] == pytest.approx(ideal["frechet_distance"], rel=1e-2)
    page = (runs / "tdh-vae" / "wires" / "wires.html").read_text()
    assert "data:image/png;base64," in page
    assert 'src="http' not in page


def test_z_is_drawn_as_the_run_says(runs, capsys, tmp_path):
    """Without wires the distance of generated images is that of the run's own prior, not always that of N(0, I)."""
    config = toml_file.changed(
        RunFolder.open(runs / "tdh-vae").config(), ["sampling.prior=mixture", "sampling.components=3"]
    )
    shutil.copytree(runs / "tdh-vae", tmp_path / "run")
    (tmp_path / "run" / "config.toml").write_text(toml_file.dump(config))
    grid = ["--tiles", "16", "--resistances", "1", "--compensation", "none", "--n-images", "12", "--json"]
    found = [json.loads(call(capsys, path, *grid)[1]) for path in (runs / "tdh-vae", tmp_path / "run")]
    assert [one["prior"] for one in found] == ["standard", "mixture"]
    for one, other in zip(*([one["ideal"], *one["cells"]] for one in found), strict=True):
        assert one["sse_half"] == other["sse_half"]
        assert one["frechet_distance"] != other["frechet_distance"]


def test_two_devices_break_the_symmetry_and_settle_all_the_same(runs, capsys, tmp_path):
    options = ["--symmetry", "two-device", "--compensation", "none", "--out", tmp_path / "out", "--json"]
    code, out, _ = call(capsys, runs / "tdh-vae", *GRID, *options)
    assert code == 0
    cells = json.loads(out)["cells"]
    asymmetry = {(one["tile"], one["ohm"]): one["asymmetry"] for one in cells}
    assert 0 < asymmetry[64, 1.0] < asymmetry[64, 300.0]
    assert max(one["unsettled"] for one in cells) < 0.1


@pytest.mark.parametrize("source", ["h-vae", "chip", "chip/chip.h5"])
def test_layered_networks_chips_and_chip_files(runs, capsys, tmp_path, source):
    options = ["--tiles", "32", "--node", "65", "--n-images", "8", "--out", tmp_path / "out"]
    code, out, _ = call(capsys, runs / source, *options, "--json")
    assert code == 0
    found = json.loads(out)
    assert [found["line"]["node"], found["line"]["status"]] == [65, "secondary"]
    assert len({one["ohm"] for one in found["cells"]}) == 3
    own = "ideal pair" if source == "h-vae" else load_chip(runs / "chip").conductances["tied"].device
    assert found["device"] == own


def test_lines_of_a_floor_plan_lose_what_their_routes_take(runs, capsys, tmp_path):
    def told(word_route):
        one = {"segment_ohm": 5.0, "word_route_ohm": word_route, "bit_route_ohm": 0.0}
        path = tmp_path / f"{word_route}.json"
        points = dict.fromkeys(("low", "typical", "high"), one)
        path.write_text(json.dumps({"models": {"tdh-vae": {"floor_plan": {"lines": points}}}}))
        options = ["--tiles", "32", "--n-images", "8", "--compensation", "none", "--out", tmp_path / "out", "--json"]
        code, out, _ = call(capsys, runs / "tdh-vae", "--floor-plan", path, *options)
        assert code == 0
        return json.loads(out)

    plain, routed = told(0.0), told(2000.0)
    options = ["--tiles", "32", "--resistances", "5", "--n-images", "8", "--compensation", "none", "--json"]
    code, out, _ = call(capsys, runs / "tdh-vae", *options, "--out", tmp_path / "segments")
    assert code == 0
    assert plain["cells"][0]["weight_error"] == pytest.approx(json.loads(out)["cells"][0]["weight_error"], rel=1e-9)
    assert routed["cells"][0]["current_lost"] > 2 * plain["cells"][0]["current_lost"]
    assert routed["floor_plan"] == {"segment": 5.0, "word_route": 2000.0, "bit_route": 0.0}
    assert "2000 ohm a word line" in (tmp_path / "out" / "wires.html").read_text().replace("\n", " ")


def test_a_table_without_json(runs, capsys, tmp_path):
    code, out, _ = call(
        capsys, runs / "tdh-vae", "--tiles", "32", "--resistances", "5", "--n-images", "8", "--out", tmp_path / "out"
    )
    assert code == 0
    assert "without wires" in out
    assert "wires.html" in out


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("nothing", [], "no run"),
        ("f-vae", [], "f-vae"),
        ("tdh-vae", ["--floor-plan", "none.json", "--node", "65"], "`--floor-plan` alone"),
        ("tdh-vae", ["--floor-plan", "none.json"], "no file at none.json"),
        ("tdh-vae", ["--tiles", "64,x"], "`--tiles` must be numbers"),
        ("tdh-vae", ["--tiles", "1"], "`tiles` must be at least 2"),
        ("tdh-vae", ["--tiles", "8,8"], "different"),
        ("tdh-vae", ["--resistances", "-1"], "`resistances` must be positive"),
        ("tdh-vae", ["--resistances", "1", "--node", "65"], "not both"),
        ("tdh-vae", ["--node", "45"], "130, 65, 32, 22"),
        ("tdh-vae", ["--node", "65", "--cell", "2t"], "cell"),
        ("tdh-vae", ["--compensation", "both-end"], "did you mean 'both-ends'"),
        ("tdh-vae", ["--n-images", "1"], "`images` must be at least 2"),
        ("tdh-vae", ["--n-images", "100000"], "the test split"),
        ("tdh-vae", ["--g-min", "1", "--g-max", "0.5"], "`g_max` must exceed `g_min`"),
    ],
)
def test_what_cannot_be_meant_is_refused(runs, capsys, source, options, message):
    code, out, err = call(capsys, runs / source, *options)
    assert code == 2
    assert not out
    assert message in " ".join(err.split())
