"""Clients that cost the same whatever they talk to: threads, the standard library, a connection a request."""

import json
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def call(base: str, method: str, path: str, token: str, data: Any = None, patience: float = 300) -> tuple[Any, float]:
    """One request; (decoded JSON or None, seconds)."""
    request = urllib.request.Request(
        base + path,
        method=method,
        data=None if data is None else json.dumps(data).encode(),
        headers={"Authorization": "Token " + token, "Content-Type": "application/json"},
    )
    start = time.perf_counter()
    with urllib.request.urlopen(request, timeout=patience) as response:
        body = response.read()
    return (json.loads(body) if body else None), time.perf_counter() - start


def together(rank: Callable[[int], float], clients: int, each: int, warm_up: int = 0) -> dict[str, Any]:
    """Let every client rank `each` times after `warm_up` unmeasured times; `rank` gives the seconds of one ranking."""

    def work(client: int, times: int) -> list[float]:
        return [rank(client) for _ in range(times)]

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(work, range(clients), [warm_up] * clients))
        start = time.perf_counter()
        seconds = [taken for some in pool.map(work, range(clients), [each] * clients) for taken in some]
        elapsed = time.perf_counter() - start
    return {
        "clients": clients,
        "rankings": len(seconds),
        "ranking_ms_p50": quantile(seconds, 0.5),
        "ranking_ms_p95": quantile(seconds, 0.95),
        "rankings_per_s": round(len(seconds) / elapsed, 2),
    }


def quantile(seconds: Sequence[float], q: float) -> float:
    """Milliseconds."""
    return round(1000 * sorted(seconds)[int(q * (len(seconds) - 1))], 1)
