"""Chromium for the tests of the page, and a server whose frames a test writes itself."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, WebSocketRoute, sync_playwright

from app.web.page import CONTENT_SECURITY_POLICY, UI

ORIGIN = "http://tidewire.test"
SOCKET = re.compile(r"/v1/socket$")
PATIENCE = 10.0  # seconds until a frame that does not come is missed
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

Frame = dict[str, Any]
# What every welcome says besides.
WELCOME: Frame = {
    "protocol": "tidewire.v1",
    "connectionId": "conn_1",
    "userId": "usr_1",
    "node": "n1",
    "serverTime": 1,
    "capabilities": [],
    "heartbeat": {"intervalMs": 25_000, "timeoutMs": 10_000},
    "flow": {"windowBytes": 65_536},
    "limits": {},
    "auth": {"method": "cookie"},
    "activeStreams": [],
}


@contextmanager
def launched_chromium() -> Iterator[Browser]:
    """The system's Chromium, headless; a test is skipped where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("These tests need a Chromium: on Debian, apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            browser.close()


def sign_in(url: str, first: BrowserContext, *others: BrowserContext) -> None:
    """Make an account in one browser, of the guest who may be in it, and sign in to it in the others."""
    account = {"email": f"{uuid4().hex}@example.org", "password": "correct horse"}
    routes = [(first, "register"), *((other, "login") for other in others)]
    for context, route in routes:
        response = context.request.post(f"/v1/auth/{route}", data=account, headers={"origin": url})
        assert response.ok, response.text()


def window(context: BrowserContext) -> Page:
    """Another tab, in a window of its own: of one that stands behind another Chromium draws a frame a second."""
    if not context.pages:
        return context.new_page()
    with context.expect_page() as opened:
        context.pages[-1].evaluate("void open('about:blank', '', 'popup,noopener')")
    return opened.value


class ScriptedServer:
    """The other end of a page: serves its files, takes its frames, and sends what the test says.

    The page is loaded under the real server's content security policy.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sockets: list[WebSocketRoute] = []
        self.faults: list[str] = []
        self._inbox: list[Frame] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda line: self.faults.append(line.text) if line.type == "error" else None)
        page.route(f"{ORIGIN}/**", self._serve)
        page.route_web_socket(SOCKET, self._open)

    def receive(self, kind: str) -> Frame:
        """Take the page's next frame of this type; earlier ones of other types stay."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for index, frame in enumerate(self._inbox):
                if frame["type"] == kind:
                    return self._inbox.pop(index)
            self.page.evaluate("0")  # lets the frames under way come in
        raise AssertionError(f"The page sent no {kind}, only {self.order()}.")

    def count(self, kind: str) -> int:
        """How many frames of this type wait to be taken."""
        self.page.evaluate("0")
        return sum(frame["type"] == kind for frame in self._inbox)

    def order(self) -> list[str]:
        """The types of the frames that wait to be taken, oldest first."""
        return [frame["type"] for frame in self._inbox]

    def send(self, kind: str, **fields: Any) -> None:
        self.sockets[-1].send(json.dumps({"type": kind, **fields}))

    def ack(self, frame: Frame, **result: Any) -> None:
        self.send("ack", id=frame["id"], result=result)

    def refuse(self, frame: Frame, code: str, message: str) -> None:
        self.send("error", id=frame["id"], error={"code": code, "message": message, "retryable": True})

    def cut(self) -> None:
        """Drop the socket, and spare the test the page's wait before the next one."""
        self.sockets[-1].close(code=1011)
        self.page.evaluate("dispatchEvent(new Event('online'))")

    def welcome(self, streams: list[Frame] | None = None, offset: int | None = 0, **more: Any) -> Frame:
        """Answer the next hello: with a snapshot at `offset`, or without one when that is None."""
        hello = self.receive("hello")
        events = {"epoch": "e1", "offset": offset or 0, "recovered": offset is None}
        if offset is not None:
            more.setdefault("snapshot", snapshot(offset))
        self.send("welcome", id=hello["id"], events=events, streams=streams or [], **{**WELCOME, **more})
        return hello

    def _open(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        socket.on_message(lambda text: self._inbox.append(json.loads(text)))

    def _serve(self, route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN).partition("?")[0]
        if path.startswith("/v1/"):
            route.fulfill(json={"userId": "usr_1", "guest": True})
            return
        file = UI / path.lstrip("/")
        file = file if file.is_file() else UI / "index.html"
        headers = {
            "content-type": TYPES.get(file.suffix, "text/html"),
            "content-security-policy": CONTENT_SECURITY_POLICY,
        }
        route.fulfill(body=file.read_bytes(), headers=headers)


def snapshot(offset: int = 0, *chats: Frame) -> Frame:
    """A dashboard at a position, with the demo model."""
    models = [{"id": "demo", "label": "Demo", "default": True}]
    return {"epoch": "e1", "offset": offset, "chats": list(chats), "projects": [], "models": models}


def dashboard_chat(chat_id: str, version: int = 1, **fields: Any) -> Frame:
    """A `DashboardChat`."""
    chat = {"chatId": chat_id, "title": f"Chat {chat_id}", "pinned": False, "archived": False, "unseen": False}
    return {**chat, "createdAt": 1, "updatedAt": version, "version": version, **fields}
