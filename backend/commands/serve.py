"""Production from a terminal.

workbench serve gateway --config serving.toml       # OpenAI-compatible, on http://127.0.0.1:8080/v1
workbench serve engine exports/RUN/merged           # a small engine for trying it out; vLLM in production
workbench serve accept push                         # what has changed in a task is the new usual: close its alarms
workbench serve check                               # look for alarms now (the gateway does it by itself)
"""

from pathlib import Path
from typing import Annotated

import typer

from backend.access import is_own_address
from backend.cli import Commands, answer
from backend.errors import UserError
from backend.settings import get_settings

_MOST_CONNECTIONS = 1_000
_ENDING_SECONDS = 5
"""For how long answers that are being given may still take when the gateway is told to end."""
app = Commands(help=__doc__, no_args_is_help=True)


@app.command()
def gateway(
    config: Annotated[Path | None, typer.Option(help="Default: WORKBENCH_SERVING.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8080,
    address: Annotated[str, typer.Option(help="To listen on; others than this machine's need keys.")] = "127.0.0.1",
) -> None:
    """Serve the tasks; keys come from WORKBENCH_GATEWAY_KEYS."""
    import uvicorn

    from backend.serving.config import read_serving
    from backend.serving.gateway import check_keys, make_gateway
    from backend.serving.logs import log_as_json
    from backend.serving.monitor import Monitor
    from backend.serving.recorder import Recorder
    from backend.store.answers import forget_example
    from backend.store.engine import check_health, writing

    keys = get_settings().gateway_keys
    if not keys and not is_own_address(address):
        raise UserError(f"{address} is open to others; put keys into WORKBENCH_GATEWAY_KEYS, comma-separated")
    read = read_serving(config or get_settings().serving)
    check_keys(keys)
    log_as_json()
    check_health()  # a store that cannot be had, or is damaged, is said now
    with writing() as session:
        forget_example(session)
    recorder, monitor = Recorder(read), Monitor(read)
    answer({"url": f"http://{address}:{port}/v1"})
    try:
        uvicorn.run(
            make_gateway(read, keys, recorder.keep), host=address, port=port, access_log=False, log_config=None,
            limit_concurrency=_MOST_CONNECTIONS, timeout_keep_alive=15, timeout_graceful_shutdown=_ENDING_SECONDS,
        )  # fmt: skip
    finally:
        monitor.close()
        recorder.close()


@app.command()
def engine(
    model: Annotated[str, typer.Argument(help="A folder with an exported model, or nano.")],
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8100,
) -> None:
    """Serve a model on this machine, one answer at a time."""
    import uvicorn

    from backend.models.load import PolicyConfig, load_policy
    from backend.serving.local_engine import make_engine

    policy = load_policy(PolicyConfig(model=model, backend="transformers"))
    answer({"url": f"http://127.0.0.1:{port}/v1"})
    uvicorn.run(make_engine(policy), host="127.0.0.1", port=port, access_log=False)


@app.command()
def check(config: Annotated[Path | None, typer.Option(help="Default: WORKBENCH_SERVING.")] = None) -> None:
    """Look at the last whole day, open and close alarms, and tell the webhook."""
    from backend.serving.config import read_serving
    from backend.serving.monitor import check as check_now
    from backend.serving.monitor import still_learning

    read = read_serving(config or get_settings().serving)
    alarms, learning = check_now(read), still_learning(read)
    for alarm in alarms:
        typer.echo(f"{alarm.task} {alarm.kind}: {alarm.words['en']}")
    for line in learning:
        typer.echo(line)
    raised = [{"task": alarm.task, "kind": alarm.kind, "words": alarm.words["en"]} for alarm in alarms]
    answer({"alarms": raised, "learning": learning})


@app.command()
def accept(task: Annotated[str, typer.Argument(help="Whose answers have changed.")]) -> None:
    """Close a task's alarms, because what has changed is the new usual; the days before it count no longer."""
    from backend.serving.monitor import accept_change
    from backend.store.engine import writing

    with writing() as session:
        closed = accept_change(session, task)
    typer.echo(f"{closed} alarms of {task} are closed")
    answer({"task": task, "closed": closed})
