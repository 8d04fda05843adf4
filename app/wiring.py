"""The composition root: from settings to objects. The only file that names concrete adapters."""

from typing import TYPE_CHECKING, Any

from msgspec import Raw

from app.asgi import Application
from app.auth.admission import Admission
from app.auth.keys import source_of
from app.auth.passwords import Passwords
from app.backplane.broker import Broker
from app.backplane.folder import DataFolder
from app.backplane.interface import Journal
from app.backplane.local import LocalJournal
from app.backplane.local_broker import LocalBroker
from app.backplane.news import Labelled
from app.clock import Clock
from app.commands.accepting import Accepting
from app.commands.accounts import Accounts
from app.commands.ai_sdk import StockChats
from app.commands.api_tokens import ApiTokens
from app.commands.attaching import Attaching
from app.commands.chats import Chats
from app.commands.dashboard import Dashboard
from app.commands.filing import Filing
from app.commands.identity import Identity
from app.commands.leaving import Leaving
from app.commands.messages import Messages
from app.commands.projects import Projects
from app.commands.queue import Queue
from app.commands.seeing import Seeing
from app.commands.signing_out import SigningOut
from app.commands.streams import Streams
from app.commands.table import Commands
from app.commands.tools import Tools
from app.commands.uploads import Uploads
from app.config import Settings
from app.deployment import shape_of
from app.ids import Mint
from app.listener import NodeListener
from app.models.anthropic import anthropic_models, read_models
from app.models.catalogue import Catalogue
from app.models.demo import DemoModel
from app.models.interface import Model
from app.node import Node, Parts
from app.realtime.hub import Hub
from app.realtime.presence import Presences
from app.realtime.seen import WRITE_EVERY, Seen
from app.realtime.signed_in import LOOK_EVERY, SignedIn
from app.rounds import Round
from app.sockets.addresses import Addresses
from app.sockets.ai_sdk import StockServices
from app.sockets.ai_sdk_endpoint import StockEndpoint
from app.sockets.cuts import Cuts
from app.sockets.endpoint import Sockets
from app.sockets.greeting import Greeting
from app.sockets.line import Services
from app.sockets.wheel import Wheel
from app.store.engine import Database
from app.store.outbox import Outbox
from app.streams.asking import LOOK_EVERY as LOOK_FOR_ANSWERS_EVERY
from app.streams.asking import Asking
from app.streams.calling import Calling
from app.streams.closing import Closing
from app.streams.entitling import Entitling
from app.streams.following import COMPARE_EVERY
from app.streams.lease import RENEW_EVERY, FolderLease, Lease, LoneLease, NodeLease
from app.streams.owners import Owners
from app.streams.ownership import Ownership
from app.streams.quota import Quota
from app.streams.recovery import Recovery
from app.streams.registry import Registry
from app.streams.sealing import Sealing
from app.streams.supervisor import Supervisor
from app.streams.ticker import Ticker
from app.streams.waiting import Waiting
from app.tasks import Crew
from app.telemetry import Telemetry
from app.tools.ask_person import ASK_PERSON
from app.tools.calculate import CALCULATE
from app.tools.interface import Tool
from app.tools.search_chats import search_chats
from app.tools.toolbox import Toolbox, chosen
from app.web.account import Account
from app.web.app import web
from app.web.auth import Auth, Rates
from app.web.export import Export
from app.web.files import Files
from app.web.gate import Gate
from app.web.health import Health
from app.web.metrics import Metrics
from app.web.usage import Usage

if TYPE_CHECKING:
    from app.auth.provider import Provider


def catalogue(settings: Settings) -> Catalogue:
    """Offer Anthropic's models when there is a key, and the demo always."""
    models: list[Model] = []
    if settings.anthropic_api_key:
        offered = read_models(settings.anthropic_models)
        models += anthropic_models(settings.anthropic_api_key, settings.anthropic_base_url or None, offered)
    return Catalogue([*models, DemoModel()])


def identity_provider(settings: Settings, clock: Clock) -> tuple["Provider | None", list[Round]]:
    """The identity provider, when there is one, and the round that reads its keys."""
    if not settings.jwt_issuer:
        return None, []
    from app.auth.provider import READ_EVERY, Provider  # here: few servers have one, and it takes a while to import

    provider = Provider(settings.jwt_issuer, settings.jwt_audience, source_of(settings.jwt_keys), clock)
    return provider, [Round("reading the identity provider's keys", READ_EVERY, provider.read)]


def tools(settings: Settings, database: Database) -> list[Tool[Any]]:
    """Offer the tools that the setting names."""
    return chosen(settings.tools, [CALCULATE, search_chats(database), ASK_PERSON])


def backplane(
    settings: Settings, folder: DataFolder | None, database: Database, clock: Clock, name: str
) -> tuple[Journal, Broker, Lease]:
    """What a node shares with others, or stands in for them: its journal, its broker and its lease."""
    retention_ms = settings.limits.stream_log_ms
    if folder is None:
        from app.backplane.redis.connecting import backplane as in_redis  # a single node has no use for the library

        journal, broker = in_redis(settings.redis_url, name, clock, retention_ms=retention_ms)
        return journal, broker, NodeLease(database, clock, node=name)
    is_embedded = shape_of(settings.database_url, settings.redis_url) == "embedded"
    lease = FolderLease() if is_embedded else LoneLease(database, clock, folder, node=name)
    return LocalJournal(folder.journal, clock, retention_ms=retention_ms), LocalBroker(name), lease


def build(settings: Settings, folder: DataFolder | None) -> tuple[Application, Node]:
    """Put a server together.

    Args:
        settings: what it shall be.
        folder: its data folder, locked; None for one of several nodes, which keep nothing on their disks.
    """
    clock, mint, limits = Clock(), Mint(), settings.limits
    # Never the name of an earlier process: what that one owned is not this one's.
    name = mint(settings.node_name or "node")
    models = catalogue(settings)
    database = Database(settings.database_url)
    journal, broker, lease = backplane(settings, folder, database, clock, name)
    registry = Registry(database, journal, clock, node=name, retention_ms=limits.stream_log_ms)
    hub = Hub(database, broker, registry.release)
    outbox = Outbox(database, clock, hub.committed, keep=limits.event_log_events)

    ticker = Ticker(journal, clock, settings.stream_flush_ms / 1000, lambda: lease.is_held)
    quota = Quota(limits.generations_at_once, settings.daily_token_budget, limits.generations_per_minute)
    presences = Presences(hub, broker)
    closing = Closing(database, outbox, ticker, clock, presences.is_watched, node=name, quota=quota)
    entitling = Entitling(database, outbox, models)
    asking = Asking(database, outbox, patience=limits.tool_wait_ms / 1000)
    toolbox = Toolbox(tools(settings, database))
    calling = Calling(toolbox, asking, mint)
    supervisor = Supervisor(
        database,
        registry,
        ticker,
        closing,
        entitling,
        models,
        calling,
        clock,
        max_bytes=limits.stream_log_bytes,
        file_bytes=limits.message_file_bytes,
        on_label=lambda stream: broker.announce(stream.user_id, Labelled(stream.stream_id, Raw(stream.label or b""))),
    )
    owners = Owners(database, supervisor, broker, node=name)
    sealing = Sealing(journal, registry, closing, clock)
    recovery = None if folder is None else Recovery(database, journal, sealing, supervisor, node=name)
    ownership = Ownership(database, outbox, lease, supervisor, sealing, node=name, quota=quota)

    signed_in = SignedIn(database)
    seen = Seen(database, signed_in, clock)
    provider, key_rounds = identity_provider(settings, clock)
    identity = Identity(database, mint, clock, seen.note, session_days=settings.session_days, provider=provider)
    accounts = Accounts(database, identity, Passwords(), signed_in, clock, registration=settings.registering)
    accepting = Accepting(outbox, supervisor, owners, registry, models, mint, quota, node=name)
    uploads = Uploads(database, mint, clock, limits)
    dashboard = Dashboard(database, hub, models)
    commands = Commands(
        [
            Messages(accepting, Attaching(uploads, limits), outbox).table(),
            Queue(outbox, registry, supervisor, node=name, quota=quota).table(),
            Streams(outbox, registry, supervisor, owners).table(),
            Tools(outbox, asking, owners, registry, toolbox).table(),
            Chats(database, registry).table(),
            Filing(outbox, registry, owners).table(),
            Seeing(outbox).table(),
            Projects(outbox).table(),
            dashboard.table(),
        ]
    )

    admission = Admission(settings.allowed_origins, settings.loopback_only, settings.trusted_proxies)
    addresses = Addresses(settings.sockets_per_address, clock)
    greeting = Greeting(
        identity, addresses, hub, presences, registry, dashboard, database, mint, clock, limits, node=name
    )
    under_way, wheel = Crew("commands"), Wheel(clock)
    services = Services(greeting, commands, hub, signed_in, registry, wheel, under_way, clock)
    stock_chats = StockChats(database, commands, registry, lambda: mint("msg"))
    stock = StockServices(stock_chats, Cuts(clock, limits.stream_log_ms / 1000))
    sockets = Sockets(services, limits, admission, addresses)
    stock_sockets = StockEndpoint(sockets, services, stock, limits, mint)
    gate, signing_out = Gate(identity, admission, clock), SigningOut(database, signed_in, clock)
    auth = Auth(
        gate,
        identity,
        accounts,
        signing_out,
        guests=settings.guests_allowed,
        rates=Rates(settings.guests_per_hour, settings.registrations_per_hour, settings.logins_per_hour),
    )
    tokens = ApiTokens(database, signed_in, mint, clock)
    account = Account(gate, accounts, signing_out, tokens, Leaving(outbox, owners, registry, signed_in))
    files, usage = Files(gate, uploads, database, clock), Usage(gate, database, clock, quota)
    export = Export(gate, database, clock)
    parts = Parts(
        name=name,
        database=database,
        journal=journal,
        broker=broker,
        listener=NodeListener(hub, registry, supervisor, ticker, asking),
        catalogue=models,
        registry=registry,
        supervisor=supervisor,
        recovery=recovery,
        owners=owners,
        ownership=ownership,
        lease=lease,
        hub=hub,
        sockets=sockets,
        commands=under_way,
        wheel=wheel,
        clock=clock,
        limits=limits,
        retire=(accounts.retire, auth.retire, addresses.retire),
        rounds=(
            Round("closing the sockets of whoever was signed out", LOOK_EVERY, signed_in.check),
            Round("comparing what is followed", COMPARE_EVERY, registry.following.check),
            Round("looking for ends that nobody told", COMPARE_EVERY, registry.look_for_ends),
            Round("looking after what waits", RENEW_EVERY, Waiting(database, registry).look),
            Round("looking for answers of people", LOOK_FOR_ANSWERS_EVERY, asking.look),
            Round("writing down who was here", WRITE_EVERY, seen.write),
            *key_rounds,
        ),
    )
    node, telemetry = Node(parts), Telemetry(parts)
    metrics = Metrics(telemetry.render, admission, networks=settings.metrics_networks, token=settings.metrics_token)
    served = (auth, account, Health(node.readiness), metrics, usage, files, export)
    pages = web(*(part.routes() for part in served))
    return Application(node, pages, {"/v1/socket": sockets, "/v1/ai-sdk": stock_sockets}), node
