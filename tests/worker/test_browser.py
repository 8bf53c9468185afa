"""The run's page in a real browser: it stays live, follows the log, links lines, and nothing hostile gets through."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, expect, sync_playwright

from pipelines.event import Event
from pipelines.records import Stream
from pipelines.status import Status
from tests.waiting import PATIENCE_SECONDS
from tests.worker.conftest import Service, Story, job, step
from worker.access import passwords
from worker.access.identity import Role
from worker.store import accounts

pytestmark = pytest.mark.browser

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Reader:
    """A page and all that went wrong in it. Without slots: Playwright notes on it which of its methods listen."""

    page: Page
    trouble: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("dialog", self._note_dialog)
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("console", self._note_error)

    def _note_dialog(self, dialog: Dialog) -> None:
        self.trouble.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _note_error(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.trouble.append(message.text)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_SECONDS * 1000)
        installed = next(filter(None, map(shutil.which, PROGRAMS)), None)  # else the one that Playwright installs
        browser = playwright.chromium.launch(executable_path=installed, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def reader(browser: Browser, service: Service) -> Iterator[Reader]:
    """Somebody who has logged in.

    Fails the test if there was a dialog, an error, or anything the content security policy had to stop.
    """
    reader = Reader(browser.new_page(viewport={"width": 1200, "height": 600}))
    reader.page.context.add_cookies([{"name": "headrace", "value": service.session(), "url": service.url}])
    reader.listen()
    yield reader
    reader.page.close()
    assert reader.trouble == []


@pytest.fixture
def story(service: Service) -> Story:
    return service.add_run(service.add_repository(), Event(message=f"Add the wheel {HOSTILE}", branch=HOSTILE))


def running(story: Story, *names: str) -> None:
    story.plan(job("build", *(step(name) for name in names)))
    story.start_job("build")
    story.start_step("build", names[0])


def shown(reader: Reader, service: Service, anchor: str = "") -> Page:
    reader.page.goto(f"{service.url}/acme/web/runs/1{anchor}")
    return reader.page


def test_page_of_a_waiting_run_goes_live_by_itself_until_the_end(
    service: Service, story: Story, reader: Reader
) -> None:
    page = shown(reader, service)
    expect(page.locator(".badge")).to_have_text("pending")
    running(story, "test", "package")
    expect(page.locator(".badge")).to_have_text("running")
    expect(page.locator("#log-title")).to_have_text("build / test")

    story.log("build", "test", 1, "one", "two")
    expect(page.locator(".line")).to_have_count(2)
    story.log("build", "test", 3, "three", stream=Stream.STDERR)
    expect(page.locator(".line.stderr span").first).to_have_text("three")

    story.finish_step("build", "test")
    story.start_step("build", "package")
    expect(page.locator("#log-title")).to_have_text("build / package")  # it moves on with the run
    story.finish_step("build", "package", Status.FAILURE, exit_code=2, reason="exit code 2")
    story.finish_job("build", Status.FAILURE)
    expect(page.locator(".badge")).to_have_text("failure")
    expect(page.locator("#log-state")).to_have_text("failure: exit code 2")
    expect(page).to_have_title(re.compile("^failure"))


def test_buttons_cancel_a_run_and_run_it_again(service: Service, story: Story, reader: Reader) -> None:
    page = shown(reader, service)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".badge")).to_have_text("cancelled")
    page.get_by_role("button", name="Run again").click()
    expect(page).to_have_url(f"{service.url}/acme/web/runs/2")
    expect(page.locator(".badge")).to_have_text("pending")


def test_button_runs_again_what_failed_alone(service: Service, story: Story, reader: Reader) -> None:
    page = shown(reader, service)
    running(story, "test")
    story.finish_job("build", Status.FAILURE)
    page.get_by_role("button", name="Run what failed again").click()
    expect(page).to_have_url(f"{service.url}/acme/web/runs/2")


def test_run_is_started_by_its_form(service: Service, story: Story, reader: Reader) -> None:
    shown(reader, service)
    page = reader.page
    page.goto(f"{service.url}/acme/web")
    page.get_by_role("link", name="Start a run").click()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page).to_have_url(f"{service.url}/acme/web/runs/2")
    assert reader.trouble == []


def test_hostile_names_and_lines_are_shown_as_text(service: Service, story: Story, reader: Reader) -> None:
    running(story, HOSTILE)
    page = shown(reader, service)
    escapes = "\x1b]8;;javascript:alert(3)\x07link\x1b]8;;\x07 \x1b[2J\x1b]0;title\x07\x1b[31mred\x1b[0m\x9b2K\x00."
    story.log("build", HOSTILE, 1, HOSTILE, escapes, "10%\r100%")
    lines = page.locator(".line > span")
    expect(lines).to_have_count(3)
    assert lines.nth(0).text_content() == HOSTILE
    assert lines.nth(1).text_content() == "link red."
    assert lines.nth(2).text_content() == "100%"
    expect(lines.nth(1).locator(".fg-red")).to_have_text("red")
    expect(page.locator(".step bdi")).to_have_text(HOSTILE)
    expect(page.locator("h1")).to_have_text(f"Add the wheel {HOSTILE}")
    assert page.locator("#log-lines a[href^='javascript']").count() == 0


def test_a_command_folds_its_output_away_and_tells_how_it_ended(service: Service, story: Story, reader: Reader) -> None:
    running(story, "test")
    page = shown(reader, service)
    story.log("build", "test", 1, "+ make", "one", "two", command=0)
    story.log("build", "test", 4, "+ check", "bad", command=1)
    lines = page.locator(".line")
    expect(lines).to_have_count(5)
    make = page.locator(".line.command > span").first
    make.click()
    expect(lines.filter(visible=True)).to_have_count(3)
    story.log("build", "test", 6, "late", command=0, stream=Stream.STDERR)
    expect(lines).to_have_count(6)
    expect(lines.filter(visible=True)).to_have_count(3)
    make.click()
    expect(lines.filter(visible=True)).to_have_count(6)
    story.finish_step("build", "test", Status.FAILURE, exit_code=2, commands=((0, 1500), (2, 300)))
    expect(make).to_have_attribute("data-ended", "1.5 s")
    expect(page.locator(".line.failed > span")).to_have_attribute("data-ended", "exit code 2, 0.3 s")


def test_colours_of_every_kind_are_shown(service: Service, story: Story, reader: Reader) -> None:
    running(story, "test")
    page = shown(reader, service)
    story.log(
        "build", "test", 1, "\x1b[1;91;44mA\x1b[22;39mB\x1b[0m\x1b[38;5;208mC\x1b[38;2;1;2;3mD\x1b[38;5;9mE", "\x1b[mF"
    )
    spans = page.locator(".line > span > span")
    expect(spans).to_have_count(5)
    expect(spans.nth(0)).to_have_class("bold fg-bright-red bg-blue")
    expect(spans.nth(1)).to_have_class("bg-blue")
    expect(spans.nth(2)).to_have_css("color", "rgb(255, 135, 0)")
    expect(spans.nth(3)).to_have_css("color", "rgb(1, 2, 3)")
    expect(spans.nth(4)).to_have_class("fg-bright-red")
    assert page.locator(".line > span").nth(1).inner_html() == "F"


def test_log_follows_its_end_until_the_reader_scrolls_up(service: Service, story: Story, reader: Reader) -> None:
    running(story, "test")
    page = shown(reader, service)
    pane = page.locator("#log-lines")
    is_at_end = "pane => pane.scrollHeight - pane.scrollTop - pane.clientHeight < 30"
    story.log("build", "test", 1, *(f"line {number}" for number in range(1, 201)))
    expect(page.locator(".line")).to_have_count(200)
    assert pane.evaluate(is_at_end)

    pane.evaluate("pane => { pane.scrollTop = 100 }")
    expect(page.locator("#log-follow")).to_be_visible()
    story.log("build", "test", 201, "line 201")
    expect(page.locator(".line")).to_have_count(201)
    assert pane.evaluate("pane => pane.scrollTop") == 100

    page.locator("#log-follow").click()
    story.log("build", "test", 202, "line 202")
    expect(page.locator(".line")).to_have_count(202)
    page.wait_for_function("() => document.querySelector('#log-follow').hidden")
    assert pane.evaluate(is_at_end)


def test_link_to_a_line_opens_its_step_there(service: Service, story: Story, reader: Reader) -> None:
    running(story, "first", "a/b: c")
    story.finish_step("build", "first")
    story.start_step("build", "a/b: c")
    for first in range(1, 4001, 1000):
        story.log("build", "a/b: c", first, *(f"line {first + number}" for number in range(1000)))
    story.finish_step("build", "a/b: c")
    story.finish_job("build")
    page = shown(reader, service, "#build/a%2Fb%3A%20c:1234")
    expect(page.locator("#log-title")).to_have_text("build / a/b: c")
    expect(page.locator(".line.target > span")).to_have_text("line 1234")
    expect(page.locator(".line.target")).to_be_in_viewport()
    page.locator("a.step").first.click()
    expect(page.locator("#log-title")).to_have_text("build / first")
    page.go_back()
    expect(page.locator("#log-title")).to_have_text("build / a/b: c")


def test_long_log_opens_at_its_tail_and_says_what_is_before(service: Service, story: Story, reader: Reader) -> None:
    running(story, "test")
    story.log("build", "test", 1, *(f"line {number}" for number in range(1, 5001)))
    page = shown(reader, service)
    expect(page.locator(".line")).to_have_count(2000)
    expect(page.locator(".line > span").last).to_have_text("line 5000")
    expect(page.locator("#log-lines .log-note")).to_have_text("Lines 1 to 3000 are in the raw log.")


def test_steps_are_reached_and_opened_by_keyboard(service: Service, story: Story, reader: Reader) -> None:
    running(story, "first", "second")
    page = shown(reader, service)
    page.locator("a.step").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#log-title")).to_have_text("build / second")
    expect(page.locator("a.step").nth(1)).to_have_attribute("aria-current", "true")
    story.finish_step("build", "first")  # the list is made anew, the focus stays
    expect(page.locator("a.step .success")).to_have_count(1)
    expect(page.locator("a.step").nth(1)).to_be_focused()


def test_page_fits_a_phone(service: Service, story: Story, browser: Browser) -> None:
    running(story, "test")
    story.log("build", "test", 1, "x" * 500)
    phone = browser.new_page(viewport={"width": 360, "height": 740})
    for path in ("/", "/acme/web", "/acme/web/runs/1", "/api/docs"):
        phone.goto(service.url + path)
        assert phone.evaluate("() => document.documentElement.scrollWidth") == 360, path
    phone.close()


def test_list_of_runs_stays_live(service: Service, reader: Reader) -> None:
    repository = service.add_repository()
    reader.page.goto(f"{service.url}/")
    service.add_run(repository)
    expect(reader.page.locator(".run-row")).to_have_count(1)


def test_person_logs_in_makes_a_token_and_logs_out_in_a_real_browser(
    browser: Browser, service: Service, story: Story
) -> None:
    """What browsers say of where a form comes from is theirs alone to show."""
    with service.database.write() as connection:
        accounts.add(connection, "lin", role=Role.MEMBER, password=passwords.hashed("correct horse battery"))
    reader = Reader(browser.new_page())
    reader.listen()
    page = reader.page
    page.goto(f"{service.url}/acme/web/runs/1")
    page.get_by_label("Name").fill("lin")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{service.url}/acme/web/runs/1")
    page.get_by_role("link", name="lin").click()
    page.get_by_label("What it is for").fill("a robot")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("status")).to_contain_text("hrt_")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("cell", name="a robot")).to_have_count(0)
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{service.url}/login")
    page.goto(service.url)
    expect(page).to_have_url(f"{service.url}/login")
    page.close()
    assert reader.trouble == []
