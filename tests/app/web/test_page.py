"""The page's files over HTTP, as they were built; and what is said where they were not."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.web import page
from app.web.page import FOR_GOOD, HEADERS, UI
from tests.app.web.site import Site

KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@pytest.mark.parametrize("path", ["/", "/index.html", "/c/some-chat", "/c/some-chat/", "/anything/else"])
async def test_every_place_in_the_page_is_the_page(site: Site, path: str) -> None:
    answer = await site.call("GET", path)
    assert (answer.status, answer.body) == (200, (UI / "index.html").read_bytes())
    assert {name: answer[name] for name in HEADERS} == HEADERS


async def test_files_come_with_their_type_and_the_policy(site: Site) -> None:
    for file in (file for file in UI.rglob("*") if file.suffix in KINDS):
        answer = await site.call("GET", f"/{file.relative_to(UI)}")
        assert (answer.status, answer.body) == (200, file.read_bytes())
        assert answer["content-security-policy"].startswith("default-src 'none'")
        assert answer["x-content-type-options"] == "nosniff"
        assert answer["content-type"].split(";")[0] == KINDS[file.suffix]


@pytest.mark.parametrize(
    "path", ["/../page.py", "/..%2fpage.py", "/%2e%2e/page.py", "//etc/passwd", "/\0", "/" + "x" * 5_000]
)
async def test_no_path_leaves_the_folder(site: Site, path: str) -> None:
    answer = await site.call("GET", path)
    assert answer.status in (200, 404)
    assert b"import" not in answer.body.split(b"<")[0]
    assert b"root:" not in answer.body


async def test_a_page_that_is_known_is_not_sent_again(site: Site) -> None:
    first = await site.call("GET", "/")
    again = await site.call("GET", "/", if_none_match=first["etag"])
    assert (again.status, again.body, again["cache-control"]) == (304, b"", "no-cache")


async def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    policy = HEADERS["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "connect-src 'self'" in policy


async def test_what_is_named_by_its_content_is_kept_for_good(site: Site) -> None:
    script = next(UI.glob("assets/main-*.js"))
    answer = await site.call("GET", f"/assets/{script.name}")
    assert answer["cache-control"] == FOR_GOOD
    again = await site.call("GET", f"/assets/{script.name}", if_none_match=answer["etag"])
    assert (again.status, again["cache-control"]) == (304, FOR_GOOD)
    assert (await site.call("GET", "/assets/main-OLD.js")).status == 404


async def test_a_browser_gets_the_page_compressed(site: Site) -> None:
    script = next(UI.glob("assets/main-*.js"))
    answer = await site.call("GET", f"/assets/{script.name}", accept_encoding="gzip")
    assert (answer["content-encoding"], answer["vary"]) == ("gzip", "Accept-Encoding")
    assert len(answer.body) < script.stat().st_size / 2


async def test_a_server_without_its_page_says_how_to_build_it(tmp_path: Path) -> None:
    browser = TestClient(Starlette(routes=[page.route(tmp_path / "dist")]))
    answer = browser.get("/c/some-chat")
    assert answer.status_code == 503
    assert "npm run build" in answer.text
    assert answer.headers["content-security-policy"] == HEADERS["content-security-policy"]
    assert browser.get("/v1/nothing").status_code == 404
