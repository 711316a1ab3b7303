"""The command ``hopbar area``: its tables, its JSON, its pictures and report, and what it says to bad input."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from circuits.area.architecture import Architecture
from circuits.area.estimate import COMPONENTS, component_areas, model_inventory
from circuits.area.networks import TABLE_3, paper_model, tied_model, untied_model
from circuits.area.sharing import SHARING
from circuits.area.technology import load_technology
from circuits.commands.area import MODELS, SHARINGS, area
from circuits.costs.merits import Evaluation, Merit, find_runs, pareto_front, read_evaluation
from circuits.costs.report import _report
from circuits.costs.study import resolve, study
from circuits.costs.tables import cell
from circuits.energy.cost import energy_parts
from circuits.energy.tasks import assumed_tasks
from crossbar.chip import Chip, Conductances, load_chip
from crossbar.errors import CorruptFile, ExistingFile, HopbarError, InvalidValue, MissingFile, UnknownName

QUICK = ["--draws", "50", "--images", "2"]


def run(*words):
    result = CliRunner().invoke(area, [*words, *QUICK])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def write_run(folder, model, rng, *, distance=400.0):
    folder.mkdir(parents=True)
    networks = {plan.name: plan.network for plan in model.plans}
    weights = {name: np.zeros((network.size,) * 2) for name, network in networks.items()}
    for matrix in weights.values():
        matrix[:5, 5:] = matrix[5:, :5] = 0.1
    sigma = 0.4 if model.tied else None
    examples = rng.uniform(-1, 1, (2, 16)).astype(np.float32)
    chip = Chip(
        model=model.name, networks=networks, weights=weights, sigma=sigma, image_shape=(4, 4), examples=examples
    )
    chip.save(folder / "chip.h5")
    record = {"model": model.name, "frechet_distance": distance, "sse_half": 30.0}
    (folder / "evaluation.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def tied_run(tmp_path, rng):
    return write_run(tmp_path / "runs" / "tied", tied_model("tdh-vae", 8, 3, pixels=16), rng)


@pytest.fixture
def untied_run(tmp_path, rng):
    return write_run(tmp_path / "runs" / "untied", untied_model("dh-vae", 8, 3, pixels=16), rng, distance=300.0)


def test_the_door_knows_what_is_inside():
    assert tuple(SHARING) == SHARINGS
    assert set(MODELS) == set(TABLE_3)


def test_json_holds_counts_areas_components_and_ratios_by_accounting():
    record = json.loads(run("--json").stdout)
    assert set(record["models"]) == set(MODELS)
    for model in record["models"].values():
        assert set(model["area_mm2"]) == {"low", "typical", "high", "p5", "p50", "p95"}
        assert set(model["components"]) == set(COMPONENTS)
        assert model["n_memristors"] == model["inventory"]["memristors"]
    assert record["models"]["tdh-vae"]["n_memristors"] == 5_681_820
    assert record["models"]["tdh-vae"]["n_neurons"] == 1686
    assert set(SHARINGS) < set(record["ratios"])
    assert record["ratios"]["shared-io"]["tdh-vae / dh-vae"]["typical"] == pytest.approx(0.300, abs=0.002)
    assert all(parameter["source"] for parameter in record["parameters"].values())


def test_equal_seeds_give_equal_bytes():
    one, same, other = (run("tdh-vae", "--json", "--seed", seed).stdout for seed in ("1", "1", "2"))
    assert one == same != other


def test_options_reach_the_estimate():
    words = ["--node", "22", "--tile", "128", "--layout", "half", "--weights", "reference", "--cell", "1r"]
    words += ["--untied", "shared-neurons"]
    record = json.loads(run("dh-vae", *words, "--dead-blocks", "keep", "--phases", "two-circuits", "--json").stdout)
    assert (record["node"], record["tile"], record["layout"]) == (22, 128, "half")
    assert record["models"]["dh-vae"]["inventory"]["dies"] == 1
    plain = json.loads(run("dh-vae", "--json").stdout)
    assert record["models"]["dh-vae"]["area_mm2"]["typical"] < plain["models"]["dh-vae"]["area_mm2"]["typical"]


def test_tables_for_the_terminal():
    text = run("tdh-vae", "--energy").stdout
    for word in ("Inventory", "line ends", "shared-neurons+half", "latency", "5,681,820"):
        assert word in text


def test_a_trained_chip_is_measured_with_its_energy(tied_run, untied_run):
    record = json.loads(run(str(tied_run), str(untied_run / "chip.h5"), "--json").stdout)
    found = record["models"][str(tied_run)]
    assert found["n_memristors"] == 2 * 27 * 26
    assert found["energy"]["settling"] == "simulated"
    for task in ("encode", "generate", "train"):
        cost = found["energy"][task]
        assert 0 < cost["energy_j"]["low"] < cost["energy_j"]["high"]
        assert 0 < cost["array_dissipation_j"]["typical"] < cost["parts_j"]["crossbars"]["typical"]
        assert cost["energy_j_idle_off"]["typical"] < cost["energy_j"]["typical"]
        assert cost["typical_energy_j_as_exported"] > cost["energy_j"]["typical"]  # a time constant of 1 us, not 0.1
        assert cost["settling_power_w"]["typical"] > 0
        assert cost["latency_s"]["typical"] > 0
        assert cost["drivers_j"]
    assert f"{tied_run} / {untied_run / 'chip.h5'}" in record["ratios"]["two-chips"]


def test_report_and_pictures(tmp_path, tied_run, untied_run):
    run("--report", str(tmp_path / "report"), "--runs", str(tied_run.parent))
    text = (tmp_path / "report" / "area.md").read_text()
    names = {"area-components", "area-ratios", "area-floor-plan", "area-sensitivity", "area-pareto"}
    assert {path.stem for path in (tmp_path / "report").glob("*.png")} == names
    assert all(f"({name}.png)" in text for name in names)
    assert "0.33" in text


@pytest.mark.parametrize("cell_area", [None, 1e6])  # as shipped; or nothing but cells counts
def test_the_report_says_what_its_numbers_say(tmp_path, cell_area):
    own = None
    if cell_area is not None:
        own = tmp_path / "own.toml"
        values = "".join(f"{point} = {cell_area}\n" for point in ("low", "typical", "high"))
        own.write_text(f'[cell_1t1r]\n{values}unit="F2"\nscaling="feature"\nsource="test"\nstatus="assumed"\n')
    found = study(
        resolve(["tdh-vae"]), Architecture(), "two-chips", load_technology(own), node=65, n_draws=50, seed=0, n_images=1
    )
    text = "\n".join(_report(found, [tmp_path / "picture.png"] * 4))
    equal = next(one.name for one in found.comparisons if one.name.startswith("equal hidden"))
    halved = [name for name, row in found.ratios.items() if row[equal].p50 < 0.55]
    assert len(halved) == (2 if own is None else 3)
    assert f"under: {', '.join(f'`{name}`' for name in halved)}." in text
    assert f"tying saves {1 - found.ratios['shared-io'][equal].p50:.0%}" in text
    assert "833 against 1696 and 1842" in text
    area_mm2 = found.estimates["tdh-vae"].total
    assert f"factor of {max(area_mm2.p95 / area_mm2.p50, area_mm2.p50 / area_mm2.p5):.1f} of their median" in text


def test_pictures_repeat_byte_by_byte(tmp_path):
    for name in ("one", "two"):
        run("tdh-vae", "--pictures", str(tmp_path / name))
    for path in (tmp_path / "one").glob("*.png"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_the_floor_plan_is_told_and_written(tmp_path):
    path = tmp_path / "plan.gds"
    record = json.loads(run("tdh-vae", "dh-vae", "--gds", str(path), "--json").stdout)
    found = record["models"]["dh-vae"]["floor_plan"]
    assert sum(die["width_mm"] * die["height_mm"] for die in found["dies"]) == pytest.approx(
        record["models"]["dh-vae"]["area_mm2"]["typical"], rel=1e-5
    )
    assert found["lines"]["typical"]["segment_ohm"] == pytest.approx(1.33732)
    gdstk = pytest.importorskip("gdstk")
    assert [cell.name for cell in gdstk.read_gds(path).top_level()] == [
        "die1_tdh_vae", "die2_dh_vae_encoder", "die3_dh_vae_decoder",
    ]  # fmt: skip
    text = run("tdh-vae", "--gds", str(path), "--force").stdout
    assert "Floor plan" in text
    assert "word line to neuron (um): mean, longest" in text
    with pytest.raises(ExistingFile, match="--force"):
        run("tdh-vae", "--gds", str(path))


def test_pareto_front_leaves_out_what_another_run_beats():
    def merit(area_mm2, distance):
        found = Evaluation(name="r", model=paper_model("tdh-vae"), frechet_distance=distance, sse_half=1.0)
        return Merit(evaluation=found, area=area_mm2, low=area_mm2, high=area_mm2)

    small, better, beaten = merit(6, 400), merit(20, 300), merit(14, 450)
    assert pareto_front([beaten, better, small]) == [small, better]


def test_runs_are_found_and_read(tied_run, untied_run):
    assert find_runs([tied_run.parent]) == [tied_run, untied_run]
    assert read_evaluation(untied_run).frechet_distance == 300.0
    (untied_run / "evaluation.json").rename(untied_run / "evaluation_mixture.json")  # a run whose prior is no N(0, I)
    assert find_runs([tied_run.parent]) == [tied_run, untied_run]
    assert read_evaluation(untied_run).frechet_distance == 300.0
    (tied_run / "evaluation.json").write_text("{}")
    with pytest.raises(CorruptFile, match="frechet_distance"):
        read_evaluation(tied_run)


def test_a_forward_run_is_measured_at_the_sizes_of_its_config(tmp_path):
    (tmp_path / "evaluation.json").write_text('{"model": "f-vae", "frechet_distance": 9.0, "sse_half": 3.0}')
    (tmp_path / "config.toml").write_text("[model]\nhidden = 1820\nlatent = 10\n[data]\nimage_size = 28\n")
    assert find_runs([tmp_path]) == [tmp_path]
    assert read_evaluation(tmp_path).model == paper_model("f-vae")
    (tmp_path / "config.toml").write_text("[model]\n")
    with pytest.raises(CorruptFile, match="sizes of the f-vae"):
        read_evaluation(tmp_path)


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--node", "45"], InvalidValue, "must be one of 130, 65, 32, 22 nm"),
        (["--tile", "1024"], InvalidValue, "in its wires"),
        (["--tile", "7"], InvalidValue, "even number"),
        (["tdh-vea"], UnknownName, "did you mean 'tdh-vae'"),
        (["tdh-vae", "tdh-vae"], InvalidValue, "named once"),
        (["--technology", "none.toml"], MissingFile, "no technology file"),
        (["--pictures", "pictures", "--runs", "nowhere"], MissingFile, "evaluate a run first"),
        (["--runs", "nowhere"], InvalidValue, "--pictures"),
        (["--gds", "nowhere/plan.gds"], InvalidValue, "folder 'nowhere' of `--gds` does not exist"),
        (["--neuron", "sky130"], InvalidValue, "give --node 130"),
    ],
)
def test_bad_input_is_one_clear_error(tmp_path, monkeypatch, words, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message) as caught:
        run(*words)
    assert isinstance(caught.value, HopbarError)


@pytest.mark.parametrize("option", ["--pictures", "--report"])
def test_a_file_is_no_folder_to_write_to(tmp_path, option):
    (tmp_path / "file").write_text("not a folder")
    result = CliRunner().invoke(area, ["tdh-vae", option, str(tmp_path / "file")])
    assert result.exit_code == 2
    assert "Invalid value" in result.output


def test_names_are_shown_as_they_are_whatever_markup_they_look_like(tmp_path, monkeypatch, rng):
    monkeypatch.chdir(tmp_path)
    names = ["[/red]", "a|b", "$\\frac{$"]
    for name in names:
        write_run(tmp_path / name, tied_model("tdh-vae", 3, 2, pixels=16), rng)
    shown = run(*names, "--report", "report").stdout
    assert all(name in shown for name in names)
    report = (tmp_path / "report" / "area.md").read_text()
    for name in ("\\[/red\\]", "a\\|b"):
        assert f"| {name} | 840 | 21 |" in report
    heads = next(line for line in report.splitlines() if line.startswith("| accounting"))
    assert heads.replace("\\|", "").count("|") == 2 + 5 + len(names)  # five comparisons of the paper, one a chip
    assert cell("a\n# <b>") == "a # \\<b\\>"


def test_a_chip_of_negative_conductances_is_refused(tmp_path, rng):
    folder = write_run(tmp_path / "run", tied_model("tdh-vae", 3, 2, pixels=16), rng)
    chip = load_chip(folder)
    mask = chip.networks["tied"].mask()
    devices = Conductances(plus=1e-5 * mask, minus=1e-5 * mask, siemens_per_weight=1e-5, device="test")
    replace(chip, conductances={"tied": devices}).save(folder / "chip.h5")
    with h5py.File(folder / "chip.h5", "r+") as file:
        found = []
        file.visit(lambda path: found.append(path) if path.endswith("plus") else None)
        values = file[found[0]][...]
        values[0, 1] = values[1, 0] = -1e-5
        file[found[0]][...] = values
    with pytest.raises(HopbarError, match="negative"):
        run(str(folder))


def test_a_node_outside_the_laws_is_told_wherever_areas_are_shown(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("nodes.known = [5]\n")
    words = ["tdh-vae", "--node", "5", "--technology", str(own)]
    assert "5 nm lies outside" in run(*words).stdout
    assert "5 nm lies outside" in json.loads(run(*words, "--json").stdout)["note"]
    found = study(
        resolve(["tdh-vae"]), Architecture(), "two-chips", load_technology(own), node=5, n_draws=10, seed=0, n_images=1
    )
    assert "5 nm lies outside" in "\n".join(_report(found, [tmp_path / "picture.png"] * 4))


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e30])
def test_whatever_a_technology_may_say_areas_and_energies_are_finite(value):
    technology, architecture, model = load_technology(), Architecture(), tied_model("t", 3, 2, pixels=4)
    task = assumed_tasks(model, architecture)["train"]
    counts = model_inventory(model, architecture, "two-chips")
    refused = []
    for name, parameter in technology.parameters.items():
        try:
            own = replace(
                technology,
                parameters={
                    **technology.parameters,
                    name: replace(parameter, low=value, typical=value, high=value),
                },
            )
        except InvalidValue:
            refused.append(name)
            continue
        for point in (own.values("low"), own.draws(3, np.random.default_rng(0))):
            for found in (component_areas(counts, architecture, point, 65), energy_parts(task, point)):
                assert all(np.isfinite(part).all() for part in found.values()), name
    assert len(refused) < 10


def test_a_technology_without_any_area_is_refused(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(
        "".join(
            f"[{name}]\nlow=0\ntypical=0\nhigh=0\nunit={json.dumps(parameter.unit)}\n"
            f'scaling="{parameter.scaling}"\nsource="test"\nstatus="assumed"\n'
            for name, parameter in load_technology().parameters.items()
            if parameter.unit in ("um2", "F2", "mm2", "um2/mA", "fF")
        )
    )
    with pytest.raises(InvalidValue, match="no area"):
        run("tdh-vae", "--technology", str(own))


def test_negative_area_and_missing_source_are_refused(tmp_path):
    own = tmp_path / "own.toml"
    fields = 'typical=1\nhigh=2\nunit="um2"\nscaling="analog"\nstatus="assumed"\n'
    own.write_text(f'[adc]\nlow=-1\nsource="test"\n{fields}')
    with pytest.raises(InvalidValue, match="must be a number >= 0"):
        run("--technology", str(own))
    own.write_text(f"[adc]\nlow=0.5\n{fields}")
    with pytest.raises(InvalidValue, match="must have a source"):
        run("--technology", str(own))
