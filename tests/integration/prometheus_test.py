"""A real Prometheus scrapes the real server and answers queries about it."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from conftest import Server, Synthctl, free_port

SCRAPE_INTERVAL = 0.25  # seconds


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


def await_value(get: Callable[[], object], wanted: object, seconds: float = 30) -> None:
    """Asks until the answer is `wanted`, as often as a scrape can change it."""
    deadline = time.monotonic() + seconds
    while (found := get()) != wanted:
        assert time.monotonic() < deadline, f"expected {wanted}, found {found}"
        time.sleep(SCRAPE_INTERVAL / 2)


class Prometheus:
    def __init__(self, address: str) -> None:
        self.address = address

    def query(self, expression: str) -> list[float]:
        url = f"http://{self.address}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            result = json.loads(fetch(url))["data"]["result"]
        except (ConnectionError, urllib.error.URLError):
            return []
        return [float(series["value"][1]) for series in result]


@pytest.fixture(scope="module")
def prometheus(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    config = folder / "prometheus.yml"
    config.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": f"{int(SCRAPE_INTERVAL * 1000)}ms", "scrape_timeout": "200ms"},
                "scrape_configs": [{"job_name": "synthserve", "static_configs": [{"targets": [server.http]}]}],
            }
        )
    )
    address = f"127.0.0.1:{free_port()}"
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ],
        stdout=log,
        stderr=log,
    )
    client = Prometheus(address)
    await_value(lambda: client.query('up{job="synthserve"}'), [1.0])
    yield client
    process.terminate()
    process.wait(timeout=30)


def test_the_metrics_pass_promtools_review(server: Server) -> None:
    text = fetch(f"http://{server.http}/metrics")
    review = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (review.returncode, review.stdout + review.stderr) == (0, "")


def test_healthz(server: Server) -> None:
    assert fetch(f"http://{server.http}/healthz") == "SERVING\n"
    with pytest.raises(urllib.error.HTTPError) as error:
        fetch(f"http://{server.http}/nonsense")
    assert error.value.code == 404


def test_counts_arrive_in_prometheus(prometheus: Prometheus, synthctl: Synthctl) -> None:
    texts = "sum(synth_texts_total)"
    calls = 'sum(grpc_server_handled_total{grpc_method="Classify",grpc_code="OK"})'
    await_value(lambda: prometheus.query(texts), [0.0])
    synthctl("classify", "what is my checking account balance", "play some jazz")
    await_value(lambda: prometheus.query(texts), [2.0])
    await_value(lambda: prometheus.query(calls), [1.0])


def test_a_query_returns_the_right_rate(prometheus: Prometheus, synthctl: Synthctl) -> None:
    report = json.loads(
        synthctl("load", "--rate", "40", "--duration", "8", "--warmup", "0", "--texts-per-request", "2", "--json")
    )
    measured = prometheus.query('sum(rate(grpc_server_handled_total{grpc_method="Classify",grpc_code="OK"}[5s]))')
    texts = prometheus.query("sum(rate(synth_texts_total[5s]))")
    assert report["requests"]["errors"] == {}
    assert measured[0] == pytest.approx(40, rel=0.15)
    assert texts[0] == pytest.approx(80, rel=0.15)


def test_latency_quantiles_can_be_computed(prometheus: Prometheus, synthctl: Synthctl) -> None:
    synthctl("classify", "play some jazz")
    quantile = prometheus.query(
        'histogram_quantile(0.99, sum by (le) (grpc_server_handling_seconds_bucket{grpc_method="Classify"}))'
    )
    assert 0 < quantile[0] < 10
