"""Models that can't be served: one line says why, everything else is served."""

import json

import pytest
from model_files import FAULTY, add_constant, one_to_one, write
from server import sluice, wait_until

# Words that the reason must hold, so that an operator knows where to look.
WORDS = {
    "corrupt": ["model.onnx"],
    "truncated": ["model.onnx"],
    "empty_file": ["empty"],
    "wrong_dims": ["INPUT", "4", "5"],
    "wrong_type": ["INPUT", "INT64"],
    "wrong_name": ["IN"],
    "no_labels": ["labels.txt"],
    "escapes": ["../../bare/1/model.onnx"],
    "bad_text": ["config.pbtxt"],
    "sequences": ["sequence_batching"],
    "linked": ["link"],
    "no_version": ["version"],
}


@pytest.fixture(scope="module")
def burdened(launch_session):
    """A server that was told to load every faulty model, and good ones."""
    return launch_session(
        "--strict-readiness", "false", "--drain-seconds", "0", load=[*FAULTY, "bare", "curious"]
    )


def entry(server, name):
    rows = server.post("/v2/repository/index").json()
    found = [row for row in rows if row["name"] == name]
    assert found, f"{name} is not in the index"
    return found[0]


def test_the_list_is_whole():
    """Every faulty model has its words."""
    assert set(WORDS) == set(FAULTY)


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_model_is_unavailable_with_a_reason(burdened, name):
    """UNAVAILABLE, one line of reason that names the culprit; requests are refused with it."""
    found = entry(burdened, name)
    assert found["state"] == "UNAVAILABLE"
    reason = found["reason"]
    assert reason and "\n" not in reason and len(reason) < 1_500
    for word in WORDS[name]:
        assert word in reason, reason
    reply = burdened.infer(name, ("INPUT", "FP32", [1, 4], [1, 2, 3, 4]))
    assert reply.status in (400, 404, 503) and name in reply.error
    assert burdened.get(f"/v2/models/{name}/ready").status in (400, 503)
    assert burdened.answers()


@pytest.mark.parametrize("name", FAULTY)
def test_loading_a_faulty_model_by_request(burdened, name):
    """The load request is answered with an error of one line; the server goes on."""
    reply = burdened.post(f"/v2/repository/models/{name}/load")
    assert 400 <= reply.status <= 503
    assert any(word in reply.error for word in WORDS[name])
    assert burdened.answers()


def test_good_models_are_served_beside(burdened):
    """The others, one with an unknown field among them."""
    assert burdened.answers()
    reply = burdened.infer("curious", ("INPUT", "FP32", [1, 4], [0, 0, 0, 0]))
    assert reply.json()["outputs"][0]["data"] == [1, 1, 1, 1]


def test_strict_readiness(launch):
    """With strict readiness one model that is missing keeps the server from being ready."""
    strict = launch("--drain-seconds", "0", load=["corrupt", "bare"])
    assert strict.printed[-1].startswith("not ready: 1 of the models failed"), strict.printed
    assert any(line.startswith("  failed ") and "corrupt" in line for line in strict.printed)
    assert strict.get("/v2/health/ready").status != 200
    assert strict.get("/v2/health/live").status == 200
    assert strict.answers()
    strict.post("/v2/repository/models/corrupt/unload")
    wait_until(lambda: strict.get("/v2/health/ready").status == 200, "ready without it")


def test_the_only_model_fails(launch):
    """A server whose only model failed lives, says so at its start, and is not ready."""
    server = launch("--drain-seconds", "0", load=["corrupt"])
    assert "serves no model" in server.printed[0]
    assert server.printed[-1].startswith("not ready: "), server.printed
    assert server.get("/v2/health/live").status == 200
    lenient = launch("--drain-seconds", "0", "--strict-readiness", "false", load=["corrupt"])
    assert lenient.printed[-1] == "ready"
    assert any("corrupt" in line for line in lenient.printed)


def test_unknown_model_at_the_start(launch):
    """`--load-model` with a name that there is not: said in the index, not ready when strict."""
    server = launch("--drain-seconds", "0", load=["typo", "bare"])
    assert server.get("/v2/health/ready").status != 200
    assert "typo" in entry(server, "typo")["reason"]
    assert server.answers()


def test_failed_reload_keeps_the_old_version(launch, tmp_path):
    """A file that is broken while the model is served: the reload fails, the old one goes on."""
    folder = tmp_path / "models"
    folder.mkdir()
    write(folder, "bare", add_constant(5))
    server = launch("--drain-seconds", "0", repository=folder, load=["bare"])
    assert server.answers()
    write(folder, "bare", add_constant(5)[:60])
    reply = server.post("/v2/repository/models/bare/load")
    assert 400 <= reply.status <= 503 and reply.error
    assert server.answers()
    write(folder, "bare", add_constant(5))
    assert server.post("/v2/repository/models/bare/load").status == 200
    assert server.answers()


def test_check_names_every_fault(repository):
    """`sluice check`: exit 1, each faulty model named with its reason; fields by their verdict."""
    done = sluice("check", "--model-repository", repository)
    assert done.returncode == 1
    for name in FAULTY:
        block = done.stdout.split(f"{name}: not servable\n", 1)
        assert len(block) == 2, f"{name} is not listed:\n{done.stdout}"
        lines = []
        for line in block[1].splitlines():
            if not line.startswith(" "):
                break
            lines.append(line)
        assert any(all(word in line for word in WORDS[name]) for line in lines), (name, lines)
    assert "bare: ok" in done.stdout
    assert "brand_new_setting" in done.stdout


def test_check_as_json(tmp_path):
    """`--json` is one object; a repository without faults exits with 0."""
    folder = tmp_path / "models"
    folder.mkdir()
    extra = 'response_cache { enable: true } metric_tags { key: "team" value: "blue" }'
    write(folder, "fine", add_constant(1), one_to_one("fine", "FP32", [4], extra=extra))
    done = sluice("check", "--model-repository", folder, "--json")
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert report["ok"] is True
    fields = {row["field"]: row["verdict"] for row in report["models"][0]["fields"]}
    assert any("response_cache" in field for field in fields)


def test_check_without_a_repository(tmp_path):
    """A folder that there is not: one line, exit 1."""
    done = sluice("check", "--model-repository", tmp_path / "nothing")
    assert done.returncode == 1
    assert "nothing" in done.stderr and len(done.stderr.strip().splitlines()) == 1
