"""Settings: a table of name, default and help; read once from the environment, immutable after."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from app.auth.keys import is_place
from app.auth.origin import Origin, parse
from app.auth.peer import Network, networks
from app.logs import LogFormat
from protocol.limits import Limits

GuestPolicy = Literal["auto", "on", "off"]
RegistrationPolicy = Literal["auto", "open", "invite", "off"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table; every row is documented in `docs/settings.md`, which a test checks."""

    name: str
    default: str
    help: str


SETTINGS = (
    Setting("HOST", "127.0.0.1", "Address to listen on."),
    Setting("PORT", "8000", "Port to listen on; 0 lets the system choose one."),
    Setting("DATA_DIR", "", "Folder of the database and the journal; empty means the user's data folder."),
    Setting("DATABASE_URL", "", "Where facts are stored: postgresql://…; empty means SQLite in DATA_DIR."),
    Setting("REDIS_URL", "", "What several nodes share: redis://…, rediss://…, redis+sentinel://…, redis+cluster://…"),
    Setting("WORKERS", "1", "Processes on this machine that share the address; each is a node."),
    Setting("ANTHROPIC_API_KEY", "", "Offers Anthropic's models when set."),
    Setting("ANTHROPIC_BASE_URL", "", "Another server that speaks the Messages API, such as a local model."),
    Setting("ANTHROPIC_MODELS", "", "Model ids to offer, separated by commas; the first is the default."),
    Setting("TOOLS", "all", "Tools that models may call: all, off, or some of calculate, search_chats, ask_person."),
    Setting("GUESTS", "auto", "Use without an account: on, off, or auto (on loopback, or with only the demo model)."),
    Setting("GUESTS_PER_HOUR", "10", "New guests an hour from one address (IPv6: one /64); no limit on loopback."),
    Setting("REGISTRATION", "auto", "New accounts: open, invite, off, or auto (open where guests are let in)."),
    Setting("REGISTRATIONS_PER_HOUR", "10", "New accounts an hour from one address; no limit on loopback."),
    Setting("LOGINS_PER_HOUR", "60", "Sign-ins an hour from one address, failed ones included; no limit on loopback."),
    Setting("JWT_ISSUER", "", "Identity provider whose JWTs sign people in, exactly as its `iss` says; empty is none."),
    Setting("JWT_AUDIENCE", "", "This server as that provider calls it: the `aud` of its tokens."),
    Setting("JWT_KEYS", "", "That provider's keys: the https address or the file of its JWK Set."),
    Setting("SOCKETS_PER_ADDRESS", "1000", "Open sockets of one address (IPv6: one /64); no limit on loopback."),
    Setting("SESSION_DAYS", "30", "How long a sign-in lasts that is not used."),
    Setting("ALLOWED_ORIGINS", "", "Origins of pages that may connect, by commas; empty means the page's own host."),
    Setting("TRUSTED_PROXIES", "127.0.0.0/8,::1/128", "Networks whose X-Forwarded-* headers are believed."),
    Setting("DAILY_TOKEN_BUDGET", "0", "Tokens a user may spend a UTC day, input and output together; 0 is no limit."),
    Setting("STREAM_FLUSH_MS", "16", "Shortest time between two frames of a stream, in milliseconds."),
    Setting("DRAIN_SECONDS", "120", "How long answers may still take after SIGTERM."),
    Setting("NODE_NAME", "", "Name of this node; empty means a random one."),
    Setting("METRICS_NETWORKS", "127.0.0.0/8,::1/128", "Networks that may read /metrics without a token."),
    Setting("METRICS_TOKEN", "", "Bearer token that reads /metrics from anywhere; empty means from nowhere else."),
    Setting("LOG_FORMAT", "text", "Form of log lines: text, or json for one object a line."),
    Setting("LOG_LEVEL", "info", "Least severity that is logged: debug, info, warning or error."),
)  # fmt: skip

LIMIT_PREFIX = "LIMIT_"


class ConfigError(Exception):
    """A setting cannot be used; the message names it and says what it takes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be configured, checked."""

    host: str
    port: int
    data_dir: Path
    database_url: str
    redis_url: str
    workers: int
    anthropic_api_key: str
    anthropic_base_url: str
    anthropic_models: str
    tools: str
    guests: GuestPolicy
    guests_per_hour: int
    registration: RegistrationPolicy
    registrations_per_hour: int
    logins_per_hour: int
    jwt_issuer: str
    jwt_audience: str
    jwt_keys: str
    sockets_per_address: int
    session_days: int
    allowed_origins: tuple[Origin, ...]
    trusted_proxies: tuple[Network, ...]
    daily_token_budget: int
    stream_flush_ms: int
    drain_seconds: float
    node_name: str
    metrics_networks: tuple[Network, ...]
    metrics_token: str
    log_format: LogFormat
    log_level: str
    limits: Limits

    @property
    def loopback_only(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host == "localhost" or self.host == "::1" or self.host.startswith("127.")

    @property
    def guests_allowed(self) -> bool:
        """Whether people may use it without an account: by default where nobody can run up a bill."""
        if self.guests == "auto":
            return self.loopback_only or not self.anthropic_api_key
        return self.guests == "on"

    @property
    def registering(self) -> Literal["open", "invite", "off"]:
        """Who may make an account: by default whoever could be a guest, or comes with an invitation."""
        if self.registration == "auto":
            return "open" if self.guests_allowed else "invite"
        return self.registration


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises:
        ConfigError: one of them cannot be used.
    """
    value = {row.name: environ.get(row.name, "").strip() or row.default for row in SETTINGS}
    data_dir = _folder(value["DATA_DIR"] or _data_folder(environ))
    return Settings(
        host=value["HOST"],
        port=_number(value, "PORT", 0, 65_535),
        data_dir=data_dir,
        database_url=_database(value["DATABASE_URL"], data_dir),
        redis_url=value["REDIS_URL"],
        workers=_number(value, "WORKERS", 1, 256),
        anthropic_api_key=value["ANTHROPIC_API_KEY"],
        anthropic_base_url=value["ANTHROPIC_BASE_URL"],
        anthropic_models=value["ANTHROPIC_MODELS"],
        tools=value["TOOLS"],
        guests=_choice(value, "GUESTS", GuestPolicy),
        guests_per_hour=_number(value, "GUESTS_PER_HOUR", 1, 1_000_000),
        registration=_choice(value, "REGISTRATION", RegistrationPolicy),
        registrations_per_hour=_number(value, "REGISTRATIONS_PER_HOUR", 1, 1_000_000),
        logins_per_hour=_number(value, "LOGINS_PER_HOUR", 1, 1_000_000),
        jwt_issuer=_together(value, "JWT_ISSUER"),
        jwt_audience=_together(value, "JWT_AUDIENCE"),
        jwt_keys=_keys(_together(value, "JWT_KEYS")),
        sockets_per_address=_number(value, "SOCKETS_PER_ADDRESS", 1, 1_000_000),
        session_days=_number(value, "SESSION_DAYS", 1, 3_650),
        allowed_origins=tuple(_origin(name) for name in _names(value["ALLOWED_ORIGINS"])),
        trusted_proxies=_networks(value, "TRUSTED_PROXIES"),
        daily_token_budget=_number(value, "DAILY_TOKEN_BUDGET", 0, 2**53 - 1),
        stream_flush_ms=_number(value, "STREAM_FLUSH_MS", 0, 1_000),
        drain_seconds=_number(value, "DRAIN_SECONDS", 0, 86_400),
        node_name=value["NODE_NAME"],
        metrics_networks=_networks(value, "METRICS_NETWORKS"),
        metrics_token=value["METRICS_TOKEN"],
        log_format=_choice(value, "LOG_FORMAT", LogFormat),
        log_level=_log_level(value["LOG_LEVEL"]),
        limits=_limits(environ),
    )


def limit_name(field: str) -> str:
    """The setting that changes a limit: `frame_bytes` is `LIMIT_FRAME_BYTES`."""
    return LIMIT_PREFIX + field.upper()


def _data_folder(environ: Mapping[str, str]) -> str:
    """The user's data folder, as the XDG base directory specification names it."""
    return str(Path(environ.get("XDG_DATA_HOME") or "~/.local/share") / "tidewire")


def _folder(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ConfigError(
            f"DATA_DIR must be a folder, and {text!r} is in the home of a user who is not here."
        ) from None


def _database(url: str, data_dir: Path) -> str:
    if not url:
        return f"sqlite:///{data_dir / 'tidewire.db'}"
    return url


def _number(value: Mapping[str, str], name: str, least: int, most: int) -> int:
    try:
        number = int(value[name])
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise ConfigError(f"{name} must be a whole number from {least} to {most}, not {value[name]!r}.")
    return number


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _origin(text: str) -> Origin:
    origin = parse(text.rstrip("/"))
    if origin is None:
        raise ConfigError(f"ALLOWED_ORIGINS must be origins such as https://chat.example.com, not {text!r}.")
    return origin


def _choice(value: Mapping[str, str], name: str, choices: Any) -> Any:
    """Check one of a few words, of a `Literal`."""
    words: tuple[str, ...] = get_args(choices)
    if value[name] not in words:
        raise ConfigError(f"{name} must be {', '.join(words[:-1])} or {words[-1]}, not {value[name]!r}.")
    return value[name]


def _together(value: Mapping[str, str], name: str) -> str:
    """Check that a setting of the identity provider does not stand alone."""
    others = [other for other in ("JWT_ISSUER", "JWT_AUDIENCE", "JWT_KEYS") if other != name and not value[other]]
    if value[name] and others:
        raise ConfigError(f"{name} needs {' and '.join(others)} as well: whose tokens, for whom, and with which keys.")
    return value[name]


def _keys(place: str) -> str:
    if place and not is_place(place):
        raise ConfigError(f"JWT_KEYS must be an https address or a file that is there, not {place!r}.")
    return place


def _log_level(text: str) -> str:
    if text.lower() not in ("debug", "info", "warning", "error"):
        raise ConfigError(f"LOG_LEVEL must be debug, info, warning or error, not {text!r}.")
    return text.upper()


def _networks(value: Mapping[str, str], name: str) -> tuple[Network, ...]:
    try:
        return networks(_names(value[name]))
    except ValueError as problem:
        raise ConfigError(f"{name} must be networks such as 10.0.0.0/8: {problem}.") from None


def _limits(environ: Mapping[str, str]) -> Limits:
    """Read the limits that are set; the others keep their default."""
    given: dict[str, Any] = {}
    for field in msgspec.structs.fields(Limits):
        name = limit_name(field.name)
        if environ.get(name, "").strip():
            given[field.name] = _number(environ, name, 1, 2**40)
    limits = Limits(**given)
    least = limits.heartbeat_interval_ms + limits.heartbeat_timeout_ms
    if limits.silence_ms < least:
        raise ConfigError(
            f"LIMIT_SILENCE_MS must be at least {least}, which is LIMIT_HEARTBEAT_INTERVAL_MS and "
            "LIMIT_HEARTBEAT_TIMEOUT_MS together; or clients give up a connection between two pings."
        )
    return limits
