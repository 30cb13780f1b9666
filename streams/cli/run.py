"""`braid worker` and `braid up`: the processes."""

from __future__ import annotations

import logging
from importlib import import_module

import click

from models.errors import ConfigError
from streams.config import Settings, load_settings
from streams.workers.clients import Stop
from streams.workers.health import Health, HealthServer
from streams.workers.reaching import reach
from streams.workers.up import WORKERS, run_up


def _log(settings: Settings) -> None:
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")


@click.command()
@click.argument("name", metavar="NAME", type=click.Choice(WORKERS))
def worker(name: str) -> None:
    """Run one worker until SIGTERM.

    NAME is ingest, profile, correlate, archive, investigate or respond. Start as many of each as there are
    partitions; they share the work. Settings: BRAID_BOOTSTRAP and the others in the README.
    """
    settings = load_settings()
    _log(settings)
    health = Health(name)
    stop = Stop().listen()
    try:
        server = HealthServer(health, settings.health_host, settings.health_port)
    except OSError as error:
        raise ConfigError(f"health endpoint {settings.health_host}:{settings.health_port}: {error.strerror}") from error
    with server:
        logging.getLogger("braid").info("%s: health on http://%s:%d/health", name, settings.health_host, server.port)
        reach(settings, stop)
        import_module(f"streams.workers.{name}").run(settings, health, stop)


@click.command()
@click.option("--with-kafka", is_flag=True, help="Start a local Kafka too (Java 17 and, the first time, Maven).")
def up(*, with_kafka: bool) -> None:
    """Run every worker against one Kafka, until Ctrl-C.

    Topics that are missing are made first.
    """
    settings = load_settings()
    _log(settings)
    run_up(settings, with_kafka=with_kafka, stop=Stop().listen(), say=lambda line: click.echo(line, err=True))
