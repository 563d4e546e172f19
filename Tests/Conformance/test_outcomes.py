"""What happens to requests that are late, too many, too long or given up.

Nothing here measures seconds: answers are held against each other, and against how long the slow
model took on this machine in the same run.
"""

import numpy as np
import pytest
import tritonclient.grpc as grpc
import tritonclient.http as http
from background import Background
from conftest import grpc_client, http_client
from raw_http2 import INFER, RawClient, infer_request
from server import wait_until
from tensors import given
from tritonclient.utils import InferenceServerException

ROW = ("INPUT", "FP32", [1, 4], [1, 1, 1, 1])
VALUES = np.ones((1, 4), np.float32)


def outcome(server, model, name):
    """How many requests of a model ended so."""
    return server.metric("sluice_requests_total", model=model, outcome=name)


def waiting(server, model):
    """How many requests of a model wait for a batch."""
    return server.metric("nv_inference_pending_request_count", model=model)


def idle(server):
    wait_until(lambda: server.metric("sluice_requests_in_server") == 0, "the server is idle")


def occupy(server, model, **members):
    """Sends a slow request and returns once it runs."""
    before = server.metric("sluice_requests_in_server")
    running = Background(server.infer, model, ROW, **members)
    wait_until(
        lambda: server.metric("sluice_requests_in_server") > before and waiting(server, model) == 0,
        "the slow request runs",
    )
    assert running.is_running
    return running


@pytest.fixture(scope="module")
def full_time(deadline_server):
    """How long the slow model takes alone, the shortest of two."""
    times = []
    for _ in range(2):
        call = Background(deadline_server.infer, "slow_levels", ROW)
        assert call.result().status == 200
        times.append(call.took)
    return min(times)


def test_timeout_is_answered_while_the_model_runs(deadline_server, full_time):
    """504 comes from the timer, long before the run would have ended; the server goes on."""
    before = outcome(deadline_server, "slow_levels", "late")
    timeout = int(full_time / 5 * 1e6)
    call = Background(deadline_server.infer, "slow_levels", ROW, parameters={"timeout": timeout})
    reply = call.result()
    assert reply.status == 504 and reply.error
    assert timeout / 1e6 <= call.took < full_time
    assert outcome(deadline_server, "slow_levels", "late") == before + 1
    idle(deadline_server)
    assert deadline_server.infer("slow_levels", ROW).status == 200


def test_timeout_of_one_leaves_the_batch_to_the_others(deadline_server, full_time):
    """Two requests in one batch: the one with a timeout gets 504, the other its result, later."""
    patient = Background(deadline_server.infer, "slow_batch", ROW)
    hasty = Background(
        deadline_server.infer,
        "slow_batch",
        ROW,
        parameters={"timeout": int(full_time / 3 * 1e6)},
    )
    assert hasty.result().status == 504
    assert patient.result().status == 200
    assert hasty.ended < patient.ended


def test_timeout_is_answered_in_the_queue(deadline_server, full_time):
    """A request that expires behind a running one is answered before that one ends."""
    before = outcome(deadline_server, "slow_levels", "dropped")
    first = occupy(deadline_server, "slow_levels")
    second = Background(
        deadline_server.infer,
        "slow_levels",
        ROW,
        parameters={"timeout": int(full_time / 6 * 1e6)},
    )
    assert second.result().status == 504
    assert first.is_running, "the answer waited for the instance"
    assert first.result().status == 200
    assert outcome(deadline_server, "slow_levels", "dropped") == before + 1


def test_full_queue_refuses_at_once(deadline_server):
    """One runs, one waits, the third is refused with 429 and Retry-After; both others finish."""
    before = outcome(deadline_server, "slow_bounded", "refused")
    first = occupy(deadline_server, "slow_bounded")
    second = Background(deadline_server.infer, "slow_bounded", ROW)
    wait_until(lambda: waiting(deadline_server, "slow_bounded") == 1, "one request waits")
    third = deadline_server.infer("slow_bounded", ROW)
    assert third.status == 429 and third.error
    assert int(third.headers["retry-after"]) >= 0
    assert first.is_running
    client = grpc_client(deadline_server)
    with pytest.raises(InferenceServerException) as refused:
        client.infer("slow_bounded", [given(grpc, "INPUT", VALUES)])
    assert refused.value.status() == "StatusCode.RESOURCE_EXHAUSTED"
    client.close()
    assert first.result().status == 200 and second.result().status == 200
    assert outcome(deadline_server, "slow_bounded", "refused") == before + 2
    failures = deadline_server.metric(
        "nv_inference_request_failure", model="slow_bounded", reason="REJECTED"
    )
    assert failures >= 2


def test_missed_objective_is_marked(deadline_server):
    """Only the model's own objective was missed: the result comes, marked as late."""
    before = outcome(deadline_server, "goal", "late")
    reply = deadline_server.infer("goal", ROW)
    assert reply.status == 200 and reply.headers["sluice-late"] == "1"
    assert outcome(deadline_server, "goal", "late") == before + 1
    assert "sluice-late" not in deadline_server.infer("slow_levels", ROW).headers
    client = RawClient(deadline_server)
    stream = client.call(INFER, infer_request("goal", [1, 1, 1, 1]))
    assert client.status(stream) == 0
    assert client.trailers[stream]["sluice-late"] == "1"
    client.close()


def test_high_priority_overtakes(deadline_server):
    """Behind a running request, level 1 goes before level 3 that came earlier."""
    first = occupy(deadline_server, "slow_levels")
    low = Background(deadline_server.infer, "slow_levels", ROW, parameters={"priority": 3})
    wait_until(lambda: waiting(deadline_server, "slow_levels") == 1, "the low one waits")
    high = Background(deadline_server.infer, "slow_levels", ROW, parameters={"priority": 1})
    assert [call.result().status for call in (first, low, high)] == [200, 200, 200]
    assert first.ended < high.ended < low.ended


def test_disconnect_stops_the_work(deadline_server):
    """A client that goes while its request runs: the request ends as cancelled, the rest lives."""
    before = outcome(deadline_server, "slow_levels", "cancelled")
    connection = deadline_server.connect()
    body = '{"inputs":[{"name":"INPUT","datatype":"FP32","shape":[1,4],"data":[1,1,1,1]}]}'
    connection.request("POST", "/v2/models/slow_levels/infer", body)
    wait_until(lambda: deadline_server.metric("sluice_requests_in_server") > 0, "it runs")
    connection.close()
    wait_until(
        lambda: outcome(deadline_server, "slow_levels", "cancelled") == before + 1,
        "the request ends as cancelled",
    )
    idle(deadline_server)
    assert deadline_server.answers()


def test_grpc_deadline_and_cancel(deadline_server, full_time):
    """A gRPC deadline is kept by the server too; a cancelled call is counted as cancelled."""
    client = grpc_client(deadline_server)
    inputs = [given(grpc, "INPUT", VALUES)]
    with pytest.raises(InferenceServerException) as late:
        client.infer("slow_levels", inputs, client_timeout=full_time / 5)
    assert late.value.status() == "StatusCode.DEADLINE_EXCEEDED"
    idle(deadline_server)
    with pytest.raises(InferenceServerException) as late:
        client.infer("slow_levels", inputs, timeout=int(full_time / 5 * 1e6))
    assert late.value.status() == "StatusCode.DEADLINE_EXCEEDED"
    idle(deadline_server)
    before = outcome(deadline_server, "slow_levels", "cancelled")
    ended = []
    call = client.async_infer("slow_levels", inputs, lambda result, error: ended.append(error))
    wait_until(lambda: deadline_server.metric("sluice_requests_in_server") > 0, "it runs")
    call.cancel()
    wait_until(lambda: ended, "the client hears of it")
    wait_until(
        lambda: outcome(deadline_server, "slow_levels", "cancelled") == before + 1,
        "the server counts it as cancelled",
    )
    idle(deadline_server)
    client.close()


# --- Policy edf ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hopeless_server(launch_session):
    """Policy edf with the slow model, whose latency the server has measured at warm-up."""
    return launch_session("--policy", "edf", "--drain-seconds", "0", load=["slow", "bare"])


def test_hopeless_work_is_not_started(hopeless_server):
    """By the profile it can't make it: refused or dropped at once, nothing is run for it."""
    full = Background(hopeless_server.infer, "slow", ROW)
    assert full.result().status == 200
    runs = hopeless_server.metric("nv_inference_exec_count", model="slow")
    for timeout in (1, 1_000, 20_000):
        call = Background(hopeless_server.infer, "slow", ROW, parameters={"timeout": timeout})
        reply = call.result()
        assert reply.status in (429, 504) and reply.error
        assert call.took < full.took
    assert hopeless_server.metric("nv_inference_exec_count", model="slow") == runs
    lost = sum(outcome(hopeless_server, "slow", name) for name in ("dropped", "refused"))
    assert lost == 3
    plenty = hopeless_server.infer("slow", ROW, parameters={"timeout": 60_000_000})
    assert plenty.status == 200


def test_deadlines_order_the_queue(hopeless_server):
    """Behind a running request the nearer deadline goes first, though it came later."""
    first = occupy(hopeless_server, "slow")
    far = Background(hopeless_server.infer, "slow", ROW, parameters={"timeout": 60_000_000})
    wait_until(lambda: waiting(hopeless_server, "slow") == 1, "the first one waits")
    near = Background(hopeless_server.infer, "slow", ROW, parameters={"timeout": 30_000_000})
    assert [call.result().status for call in (first, far, near)] == [200, 200, 200]
    assert first.ended < near.ended < far.ended


# --- Triton's codes --------------------------------------------------------------------------


def test_triton_compat_errors(launch):
    """`--triton-compat-errors`: missed deadlines and full queues 503, malformed JSON 500."""
    flags = ["--policy", "fifo", "--triton-compat-errors", "--drain-seconds", "0"]
    server = launch(*flags, load=["slow_bounded", "bare"])
    first = occupy(server, "slow_bounded")
    second = Background(server.infer, "slow_bounded", ROW, parameters={"timeout": 10_000})
    reply = second.result()
    assert reply.status == 503 and reply.error
    assert first.is_running
    third = Background(server.infer, "slow_bounded", ROW)
    wait_until(lambda: waiting(server, "slow_bounded") == 1, "one waits")
    reply = server.infer("slow_bounded", ROW)
    assert reply.status == 503 and "queue" in reply.error
    client = grpc_client(server)
    with pytest.raises(InferenceServerException) as refused:
        client.infer("slow_bounded", [given(grpc, "INPUT", VALUES)])
    assert refused.value.status() == "StatusCode.UNAVAILABLE"
    client.close()
    assert first.result().status == 200 and third.result().status == 200
    assert server.post("/v2/models/bare/infer", b"{").status == 500
    assert server.get("/v2/models/nobody").status == 404
    client = http_client(server)
    assert client.infer("bare", [given(http, "INPUT", VALUES)]).as_numpy("OUTPUT")[0, 0] == 6
    client.close()
