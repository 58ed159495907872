"""How much time the gateway adds: the same request to a constant engine, in turns directly and through the gateway.

python -m benchmarks.gateway                 # half a minute; figures go to benchmarks/results/gateway.json

The engine answers immediately, so only the gateway's work is measured: HTTP, finding the task, scoring, recording. Every
answer is saved in a SQLite store meanwhile.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import typer

from backend.settings import ROOT
from benchmarks.servers import free_port

ANSWER = (
    '{"sentiment": "negativo", "sentiment_score": 2, "churn_risk": 0.7, "delivery_issue": true, "product_issue": true, '
    '"seller_issue": false, "main_complaint": "produto quebrado", "complaint_category": "produto", "repeat_intent": false, '
    '"would_recommend": false}'
)
REQUESTS = {
    "extraction": "Nota: 2/5\nAvaliação: chegou quebrado e com atraso de uma semana, não recomendo",
    "insights": "Analise os números: Pedidos: 120, Nota média: 3,1, Entregas com atraso: 22%",
}


def engine(port: int) -> None:
    """An engine that always gives the same answer."""
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()
    body = {"choices": [{"message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}]}

    @app.post("/v1/chat/completions")
    async def chat() -> dict[str, Any]:
        return body

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


def main(
    requests: Annotated[int, typer.Option(min=50)] = 1000,
    engine_port: Annotated[int | None, typer.Option(help="Be the engine, on this port.")] = None,
) -> None:
    """Measure."""
    if engine_port is not None:
        engine(engine_port)
        return
    with tempfile.TemporaryDirectory() as folder:
        first, second = free_port(), free_port()
        config = Path(folder) / "serving.toml"
        routes = "\n".join(f'{task} = ["e"]' for task in ("extraction", "insights", "sql_qa", "push"))
        config.write_text(f'[engines.e]\nurl = "http://127.0.0.1:{first}/v1"\nmodel = "m"\n[routes]\n{routes}\n')
        environment = {**os.environ, "DATABASE_URL": f"sqlite:///{folder}/a.db"}
        gateway = ["-m", "backend.serving", "gateway", "--config", str(config), "--port", str(second)]
        processes = [
            subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment)
            for arguments in (["-m", "benchmarks.gateway", "--engine-port", str(first)], gateway)
        ]
        try:
            result = {task: measure(first, second, text, requests) for task, text in REQUESTS.items()}
        finally:
            for process in processes:
                process.terminate()
                process.wait()
    path = ROOT / "benchmarks" / "results" / "gateway.json"
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(direct: int, through: int, text: str, requests: int) -> dict[str, float]:
    """Milliseconds at p50 and p95, directly and through the gateway, and the difference."""
    body = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": text}]}
    took: dict[int, list[float]] = {direct: [], through: []}
    with httpx.Client(timeout=30) as client:
        for port in took:
            _wait_for(client, port, body)
        for _ in range(requests):
            for port, seconds in took.items():
                began = time.perf_counter()
                client.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body).raise_for_status()
                seconds.append(time.perf_counter() - began)
    found = {f"{name}_p{q}_ms": round(1000 * float(np.quantile(took[port], q / 100)), 2)
             for name, port in (("direct", direct), ("gateway", through)) for q in (50, 95)}  # fmt: skip
    found["added_p50_ms"] = round(found["gateway_p50_ms"] - found["direct_p50_ms"], 2)
    print(f"{text[:12]!r}…: {found}", flush=True)
    return found


def _wait_for(client: httpx.Client, port: int, body: dict[str, Any]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            client.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise SystemExit("a server did not answer within a minute")


if __name__ == "__main__":
    typer.run(main)
