"""Settings: `BRAID_*` environment variables, and one optional TOML file named by `BRAID_CONFIG`.

The environment wins over the file, the file over the defaults below.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from enrichers.secrets import PLACES
from models.errors import ConfigError
from streams.correlate.fanout import LINK_FANOUT
from streams.flood import FLOOD_LIMIT
from streams.profile.detectors import DETECTORS
from streams.profile.settings import BUDGET, RATE, WARMUP_DAYS

PREFIX: Final = "BRAID_"
CONFIG_VARIABLE: Final = "BRAID_CONFIG"
DEFAULT_CACHE: Final = "~/.cache/braid"
# Somebody may have put a key or a password there.
_UNSHOWN: Final = frozenset({"lookups", "kafka_password", "kafka_key_password", "audit_key", "embedding_key"})
_DEFAULT_RULES: Final = Path(__file__).parent / "rules"


class Settings(BaseSettings):
    """Everything an operator can set. Names in the environment are these in capitals behind `BRAID_`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    bootstrap: str = Field("127.0.0.1:9092", description="Kafka bootstrap servers, `host:port[,host:port]`")
    kafka_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="What the brokers listen for: `PLAINTEXT`, `SSL` (TLS), `SASL_PLAINTEXT`, `SASL_SSL`"
    )
    kafka_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "", description="With SASL, how the user is authenticated: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`"
    )
    kafka_user: str = Field("", description="With SASL, the user")
    kafka_password: str = Field(
        "", repr=False, description="With SASL, where the user's password is: `env:NAME` or `file:PATH`"
    )
    kafka_ca: Path | None = Field(
        None, description="With TLS, PEM file of the authorities to trust; without it those of the system"
    )
    kafka_certificate: Path | None = Field(
        None, description="With TLS, PEM file of the client's certificate, where brokers ask for one"
    )
    kafka_key: Path | None = Field(None, description="PEM file of that certificate's private key")
    kafka_key_password: str = Field(
        "", repr=False, description="Where the password of that key is, if it has one: `env:NAME` or `file:PATH`"
    )
    kafka_check_host: bool = Field(
        default=True, description="With TLS, refuse brokers whose certificate is for another host"
    )
    topic_prefix: str = Field(
        "", description="Put before every topic and group, so that several Braids share a cluster"
    )
    lake: Path = Field(
        Path(".braid/lake"), description="Folder of the Parquet lake that archive writes and agents read"
    )
    data_dir: Path = Field(Path(".braid/state"), description="Folder for the local files of profile and correlate")
    rules: Annotated[tuple[Path, ...], NoDecode] = Field((), description="Further rule directories, separated by `:`")
    default_rules: bool = Field(default=True, description="Load the rule pack that comes with Braid")
    rule_pipelines: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="pySigma processing pipelines that rewrite every rule, files separated by `:`"
    )
    rules_reload_seconds: float = Field(
        5.0, ge=0, le=86_400, description="How often workers look for changed rules; 0 only on SIGHUP"
    )
    rule_budget_us: float = Field(
        20.0, gt=0, description="Microseconds per event of its log source beyond which a rule is named as too expensive"
    )
    rule_failures: int = Field(
        10, ge=0, le=1_000_000, description="Events on which a rule may raise before it is taken out; 0 for no limit"
    )
    cache_dir: str = Field(
        DEFAULT_CACHE,
        description="Folder of compiled rules, by default in `$XDG_CACHE_HOME` if that is set; empty to keep none",
    )
    clock_offsets: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Clock corrections, `windows=19h,host:NAME=-90s`"
    )
    time_zones: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Zones of times that name none, `firewall=Europe/Oslo,...`; UTC where it is not said"
    )
    log_year: int = Field(
        0, ge=0, le=2100, description="Year of times that name none (syslog); 0 takes that of the broker's time"
    )
    geo_databases: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="MMDB files for places, networks, hosting, VPN and Tor, separated by `:`; the first is believed"
    )
    assets: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Tables of assets (CSV, JSON, NDJSON) or their descriptions (TOML), separated by `:`"
    )
    identities: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Tables of identities or their descriptions, separated by `:`"
    )
    allow_lists: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Allow lists and maintenance windows (YAML), separated by `:`"
    )
    intel: Path | None = Field(None, description="Table of indicators that `braid intel build` wrote")
    context_reload_seconds: float = Field(
        5.0, gt=0, le=86_400, description="How often ingest looks for changed databases, tables and allow lists"
    )
    batch_records: int = Field(
        2000, ge=1, le=100_000, description="Most raw records that ingest takes in one transaction"
    )
    flood_limit: int = Field(
        FLOOD_LIMIT,
        ge=1,
        le=1000,
        description="Most signals of one rule, group and second of event time; beyond it one stands for all of them",
    )
    link_fanout: int = Field(
        LINK_FANOUT,
        ge=1,
        le=32,
        description="Most entities of one type that an entity may be linked to at a time; beyond it they are shared",
    )
    anomaly_rate: float = Field(
        RATE, gt=0, lt=1, description="How often, per entity and day, something ordinary may be told as an anomaly"
    )
    anomaly_budget: int = Field(
        BUDGET, ge=0, le=1_000_000, description="Most anomalies of one source and day of event time; 0 for none at all"
    )
    anomaly_warmup_days: int = Field(
        WARMUP_DAYS, ge=1, le=365, description="Days until an entity is compared with itself; until then with its peers"
    )
    anomaly_without: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Detectors of anomalies that are left out, `anomaly_new_client,...`"
    )
    join_seconds: float = Field(
        2.0, gt=0, le=600, description="How long ingest waits for further lines of one record (audit daemon)"
    )
    archive_records: int = Field(20_000, ge=1, le=1_000_000, description="Most records in one Parquet file")
    archive_seconds: float = Field(2.0, gt=0, le=3600, description="Longest time before archive writes what it has")
    evidence_seconds: float = Field(
        30.0, ge=0, le=3600, description="How long investigate waits until the lake holds a sequence's signals"
    )
    investigations_per_hour: int = Field(
        0, ge=0, description="Most investigations in an hour, the highest risk first; 0 for no limit"
    )
    investigations_at_once: int = Field(
        4, ge=1, le=100, description="Most investigations that one worker has going at a time"
    )
    models: Path | None = Field(
        None, description="File of the language models that investigate may ask (YAML); without it none is asked"
    )
    privacy: Path | None = Field(None, description="Privacy policy: what models may be shown of what (YAML)")
    data_region: str = Field("", description="Where one's own records belong, for the privacy policy's residency")
    policy: Path | None = Field(
        None, description="Policy of actions: what may be done, by whom it has to be approved (YAML)"
    )
    executors: Path | None = Field(
        None, description="File of what carries out actions (YAML); without it respond decides, and carries out nothing"
    )
    kill_switch: Path | None = Field(
        None, description="File that stops all actions as long as it is there; who is on call makes it"
    )
    runbooks: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Folders of further runbooks for the investigator, separated by `:`"
    )
    embedding_url: str = Field(
        "", description="Endpoint of embeddings (OpenAI's protocol) by which past cases are found; without it by words"
    )
    embedding_model: str = Field("", description="Model of that endpoint")
    embedding_key: str = Field(
        "", repr=False, description="Where the key of that endpoint is, if it wants one: `env:NAME` or `file:PATH`"
    )
    audit_key: str = Field(
        "",
        repr=False,
        description="Where the key is that signs the audit log: `file:PATH`; without it one is made in the data folder",
    )
    audit_dir: Path | None = Field(None, description="Folder in which workers keep their audit log besides the topic")
    lookups: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Services that investigate may ask, and where their keys are: `abuseipdb=env:KEY,internetdb`"
    )
    lookup_private: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Domains and networks of one's own, of which no service is told; until a domain is named, of none",
    )
    lookup_seconds: float = Field(
        5.0, gt=0, le=60, description="Longest that one investigation waits for all services together"
    )
    lookup_cache: Path = Field(Path(".braid/lookups.sqlite"), description="File that keeps what services said")
    health_host: str = Field("127.0.0.1", description="Address the health endpoint listens on")
    health_port: int = Field(0, ge=0, le=65535, description="Port of the health endpoint; 0 picks a free one")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged")

    @field_validator(
        *("rules", "rule_pipelines", "geo_databases", "assets", "identities", "allow_lists", "runbooks"), mode="before"
    )
    @classmethod
    def _split_paths(cls, value: Any) -> Any:
        return tuple(part for part in value.split(os.pathsep) if part) if isinstance(value, str) else value

    @field_validator("anomaly_without")
    @classmethod
    def _known_detectors(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted({*value} - DETECTORS.keys())
        if unknown:
            raise ValueError(f"no such detector: {', '.join(unknown)}")
        return value

    @field_validator("kafka_password", "kafka_key_password", "audit_key", "embedding_key")
    @classmethod
    def _is_place(cls, value: str) -> str:
        if value and not value.startswith(PLACES):
            raise ValueError("says where the secret is, env:NAME or file:PATH, and not the secret itself")
        return value

    @field_validator("anomaly_without", "clock_offsets", "time_zones", "lookups", "lookup_private", mode="before")
    @classmethod
    def _split_offsets(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment before the file."""
        path = os.environ.get(CONFIG_VARIABLE)
        toml = (TomlConfigSettingsSource(settings_cls, toml_file=Path(path)),) if path else ()
        return (init_settings, env_settings, *toml)

    @property
    def rule_paths(self) -> tuple[Path, ...]:
        """Return every rule directory to load, the pack first."""
        return ((_DEFAULT_RULES,) if self.default_rules else ()) + self.rules

    @property
    def cache_folder(self) -> Path | None:
        """Return the folder for compiled rules, None where none are kept."""
        xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
        if self.cache_dir == DEFAULT_CACHE and xdg.is_absolute():
            return xdg / "braid"
        try:
            return Path(self.cache_dir).expanduser() if self.cache_dir else None
        except RuntimeError:  # nobody's home: a user id without an account
            return None


def load_settings(**overrides: Any) -> Settings:
    """Load the settings; raise ConfigError that names the variable, or file and key, and what is wrong with it.

    Args:
        overrides: Values that win over environment and file (command-line options); None means not given.
    """
    path = os.environ.get(CONFIG_VARIABLE)
    if path and not Path(path).is_file():
        raise ConfigError(f"{CONFIG_VARIABLE}={path}: no such file")
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(problem, given) for problem in error.errors())) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error


def _explain(problem: Any, given: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    setting = str(problem["loc"][0])
    got = "" if setting in _UNSHOWN else f", got {problem.get('input')!r:.80}"
    return f"{_place(setting, given)}setting {name}: {problem['msg']}{got}"


def _place(setting: str, given: Mapping[str, Any]) -> str:
    """Say which variable or file a setting was read from; nothing where it is an option's."""
    variable = PREFIX + setting.upper()
    if setting in given:
        return ""
    is_variable = any(name.upper() == variable for name in os.environ)
    return f"{variable}: " if is_variable else f"{os.environ.get(CONFIG_VARIABLE)}: "
