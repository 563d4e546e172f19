"""`sluice plan` and `sluice simulate` as people use them: files in, plans and results out.

Every bad file gives one line on standard error that names the place, and exit code 1.
"""

import json
import pathlib
import subprocess
import xml.dom.minidom

import pytest
from server import BINARY

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "Examples"
QUICK = ["two-models", "faults", "replayed-load", "graphs"]


def sluice(*words, code=0):
    run = subprocess.run([BINARY, *map(str, words)], capture_output=True, text=True, timeout=300)
    assert run.returncode == code, run.stderr
    return run


def plan(*words, demand=EXAMPLES / "demand.yaml", code=0):
    files = ["--profiles", "presets", "--cluster", EXAMPLES / "cluster.yaml", "--demand", demand]
    return sluice("plan", *files, "--planner", "elastic", *words, code=code)


def test_a_plan_is_the_same_each_time_and_serves_the_demand():
    first = plan("--json").stdout
    assert first == plan("--json").stdout
    made = json.loads(first)
    assert made["schedulable"] and made["unserved"] == []
    rates = {}
    for device in made["devices"]:
        assert sum(gpulet["share"] for gpulet in device["gpulets"]) <= 100
        for gpulet in device["gpulets"]:
            for lane in gpulet["lanes"]:
                rates[lane["model"]] = rates.get(lane["model"], 0) + lane["rate"]
    assert rates["lenet"] == pytest.approx(200, rel=0.005)
    assert rates["vgg16"] == pytest.approx(50, rel=0.005)


def test_highest_rate_and_fewest_devices():
    rate = json.loads(plan("--max-rate", "--json").stdout)
    assert rate["multiple"] >= 1 and rate["plan"]["schedulable"]
    devices = json.loads(plan("--devices-needed", "--json").stdout)
    assert 1 <= devices["devicesNeeded"] <= 4
    assert len(devices["plan"]["devices"]) == devices["devicesNeeded"]


def test_a_demand_that_cannot_be_met_is_a_plan_with_reasons(tmp_path):
    demand = tmp_path / "demand.yaml"
    demand.write_text(
        "models:\n"
        "  - {model: lenet, rate: 1e9, sloMs: 5}\n"
        "  - {model: nobody-knows-it, rate: 10}\n"
        "  - {model: vgg16, rate: 10, sloMs: 1}\n"
    )
    run = plan("--json", demand=demand)
    left = {entry["model"]: entry for entry in json.loads(run.stdout)["unserved"]}
    assert set(left) == {"lenet", "nobody-knows-it", "vgg16"}
    assert all(entry["why"] for entry in left.values())
    assert "'vgg16': sloMs is 1" in run.stderr
    text = plan("--explain", demand=demand).stdout
    assert "nobody-knows-it" in text and "profile" in text


@pytest.mark.parametrize(
    "text, part",
    [
        ("models: []", "models: names no model"),
        ("models: [{model: a, rate: -1}]", "models[0].rate: must lie within"),
        ("models: [{model: a, rate: 1e-9}]", "models[0].rate: must be 0 or at least 0.001"),
        ("models: [{model: a, rate: .nan}]", "models[0].rate: must be a number"),
        ("models: [{model: a, rate: 1}, {model: a, rate: 1}]", "'a' is there twice"),
        ("modls: []", "the nearest known one is 'models'"),
    ],
)
def test_a_bad_demand_names_the_place(tmp_path, text, part):
    demand = tmp_path / "demand.yaml"
    demand.write_text(text)
    run = plan(demand=demand, code=1)
    assert part in run.stderr and run.stderr.count("\n") == 1


def test_unknown_planners_and_flags():
    run = plan("--planner", "elastik", code=1)
    assert "did you mean 'elastic'" in run.stderr
    plan("--max-rate", "--devices-needed", code=64)
    plan("--no-such-flag", code=64)


@pytest.mark.parametrize("name", QUICK)
def test_examples_run_and_two_processes_give_one_digest(tmp_path, name):
    page = tmp_path / "page.html"
    first = sluice("simulate", EXAMPLES / f"{name}.yaml", "--json", "--report", page)
    second = sluice("simulate", EXAMPLES / f"{name}.yaml", "--json")
    assert first.stdout == second.stdout
    report = json.loads(first.stdout)
    assert report["source"] == "simulated" and report["total"]["submitted"] > 500
    for line in report["models"]:
        ended = ["served", "late", "dropped", "refused", "failed", "cancelled"]
        assert sum(line[key] for key in ended) == line["submitted"]
    assert "notes" not in report
    text = page.read_text()
    xml.dom.minidom.parseString(text)
    assert "<script" not in text and "Who ran where" in text


def test_a_seed_of_its_own_gives_another_run():
    name = EXAMPLES / "two-models.yaml"
    digests = {
        json.loads(sluice("simulate", name, "--json", "--seed", seed).stdout)["digest"]
        for seed in (1, 2, 3)
    }
    assert len(digests) == 3


def test_a_bad_scenario_names_the_place(tmp_path):
    scenario = tmp_path / "s.yaml"
    for text, part in [
        ("durration: 1", "the nearest known one is 'duration'"),
        ("duration: 1\ncluster: {devices: []}", "cluster.devices: names no device"),
        ("duration: 1\ncluster: none.yaml", "none.yaml: there is no such file"),
        (
            "duration: 1\nplanner: wole\ncluster: {devices: [{id: a, kind: l4}]}\n"
            "profiles: presets\n"
            "models: [{model: lenet, arrivals: {kind: poisson, rate: 1}}]",
            "did you mean 'whole'",
        ),
    ]:
        scenario.write_text(text)
        run = sluice("simulate", scenario, code=1)
        assert part in run.stderr and run.stderr.count("\n") == 1
    sluice("simulate", tmp_path / "not-there.yaml", code=1)
