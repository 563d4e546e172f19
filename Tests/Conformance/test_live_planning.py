"""`serve` with planners by demand: every model has a seat that explains itself, and measured
latencies are kept from one start to the next."""

import json

import pytest
from server import wait_until

MODELS = ["bare", "versions", "add_sub"]
ROW = ("INPUT", "FP32", [1, 4], [1, 1, 1, 1])


def plan(server):
    return json.loads(server.get("/v1/plan").body)


def seats(made):
    return {
        lane["model"]: lane
        for device in made["plan"]["devices"]
        for gpulet in device["gpulets"]
        for lane in gpulet["lanes"]
    }


@pytest.mark.parametrize("system", ["temporal", "gpulets", "confluence"])
def test_every_model_has_a_seat_and_a_reason(launch, tmp_path, system):
    server = launch(
        "--system", system, "--profile-store", tmp_path, "--drain-seconds", "0", load=MODELS
    )
    made = plan(server)
    assert set(MODELS) <= set(seats(made))
    for device in made["plan"]["devices"]:
        assert sum(gpulet["share"] for gpulet in device["gpulets"]) == pytest.approx(100)
    for model in MODELS:
        assert any(line.startswith(f"{model}: ") for line in made["explanation"])
    assert server.infer("bare", ROW).status == 200
    # Nobody asks, so it is the least rate that is planned for.
    assert {entry["rate"] for entry in made["demand"]} == {1}


def test_what_was_measured_is_known_at_the_next_start(launch, tmp_path):
    flags = ["--system", "confluence", "--profile-store", tmp_path, "--drain-seconds", "0"]
    server = launch(*flags, load=MODELS)
    wait_until(lambda: len(list(tmp_path.glob("*.json"))) >= 2, "profiles are kept")
    files = sorted(tmp_path.glob("*.json"))
    for file in files:
        profile = json.loads(file.read_text())
        assert profile["digest"].startswith("fnv64:") and "onnxruntime" in profile["fingerprint"]
        assert all(row["ms"] > 0 for row in profile["latency"])
    server.stop()
    # A damaged file counts as not there, and is replaced.
    files[0].write_text("{ this is no profile")
    again = launch(*flags, load=MODELS)
    assert set(MODELS) <= set(seats(plan(again)))
    wait_until(lambda: json.loads(files[0].read_text())["latency"], "the file was replaced")
    again.stop()


def test_a_store_that_cannot_be_made_is_one_line(launch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    server = launch(
        "--system", "confluence", "--profile-store", tmp_path / "file" / "x", wait=False
    )
    assert server.wait() == 1
    lines = [line for line in server.logged().splitlines() if "profile-store" in line]
    assert len(lines) == 1


def test_a_preview_says_what_would_change(launch, tmp_path):
    server = launch(
        "--system", "confluence", "--profile-store", tmp_path, "--drain-seconds", "0", load=MODELS
    )
    asked = json.dumps({"models": [{"model": "bare", "rate": 1e9, "sloMs": 5}]})
    preview = json.loads(server.post("/v1/plan", asked).body)
    assert not preview["plan"]["schedulable"]
    assert "bare" in [entry["model"] for entry in preview["plan"]["unserved"]]
    assert plan(server)["plan"]["schedulable"]
