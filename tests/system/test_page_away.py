"""The page without its line: asleep, offline, cut at random moments. Nothing is lost, and it is right soon after."""

import random
import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.system.tab import ENOUGH, Tab, assert_shows_what_is_stored, stored, text_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SOON = 1_000  # ms in which a tab that woke up is right


def test_a_tab_that_slept_for_an_hour_is_right_within_a_second(visitor: BrowserContext, device: BrowserContext) -> None:
    asleep = Tab(visitor)
    asleep.page.clock.install()
    asleep.page.goto("/")
    asleep.options = {"tokens": 40, "pace": 500}
    asleep.ask("Before the nap")
    asleep.wait_until("completed")
    awake = Tab(device, f"/c/{asleep.chat_id}", tokens=60, pace=500)
    awake.wait_until("completed")
    asleep.page.clock.pause_at(asleep.page.evaluate("Date.now() + 1000"))
    asleep.deafen()
    awake.ask("Meanwhile")
    expect(awake.page.locator("[data-role=assistant]")).to_have_count(2)
    awake.wait_until("completed")
    assert asleep.page.locator("[data-role=assistant]").count() == 1

    asleep.page.clock.fast_forward("01:00:00")
    asleep.page.clock.resume()
    asleep.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(asleep.page.locator("[data-role=assistant]")).to_have_count(2, timeout=SOON)
    expect(asleep.answer).to_have_attribute("data-status", "completed", timeout=SOON)
    assert asleep.text() == awake.text()


def test_what_is_written_offline_survives_a_reload_and_is_sent_once(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=40, pace=500)
    tab.ask("Online")
    tab.wait_until("completed")
    tab.is_offline = True
    tab.cut()
    tab.ask("Written in a tunnel")
    expect(tab.page.locator("[data-role=user]").last).to_have_attribute("data-status", "sending")
    tab.page.reload()
    expect(tab.page.get_by_text("Written in a tunnel")).to_be_visible()
    tab.is_offline = False
    tab.page.evaluate("dispatchEvent(new Event('online'))")
    expect(tab.page.locator("[data-role=assistant]")).to_have_count(2, timeout=ENOUGH)
    tab.wait_until("completed")
    asked = [text_of(message) for message in stored(tab) if message["role"] == "user"]
    assert asked == ["Online", "Written in a tunnel"]
    assert_shows_what_is_stored(tab)


def test_offline_is_said_in_words(visitor: BrowserContext) -> None:
    tab = Tab(visitor, tokens=4_000, pace=100)
    tab.ask()
    tab.wait_for_more_than(20)
    tab.is_offline = True
    tab.cut()
    banner = tab.page.get_by_test_id("banner")
    expect(banner).to_contain_text(re.compile("Reconnecting"), timeout=ENOUGH)
    expect(banner.get_by_role("button", name="Try now")).to_be_visible()
    tab.is_offline = False
    banner.get_by_role("button", name="Try now").click()
    expect(banner).not_to_contain_text("Reconnecting")
    tab.page.get_by_test_id("stop").click()
    tab.wait_until("stopped")
    assert_shows_what_is_stored(tab, "stopped")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cut_at_random_moments_in_two_views(visitor: BrowserContext, beside: BrowserContext, seed: int) -> None:
    chance = random.Random(seed)
    one = Tab(visitor, tokens=4_000, pace=150)
    one.ask()
    one.wait_for_more_than(5)
    other = Tab(beside, f"/c/{one.chat_id}")
    other.wait_for_more_than(0)
    for _ in range(4):
        tab = chance.choice((one, other))
        tab.wait_for_more_than(len(tab.text()) + chance.randrange(40))
        tab.cut()
    chance.choice((one, other)).page.get_by_test_id("stop").click()
    for tab in (one, other):
        tab.wait_until("stopped")
        assert tab.page.locator("article").count() == 2
        assert_shows_what_is_stored(tab, "stopped")
