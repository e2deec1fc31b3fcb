"""MLflow as a person sees it: `clintune ui` on a project, and a Chromium that looks at it."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.project import Project

PATIENCE = 60


def chromium() -> tuple[str, str] | None:
    """The browser and its driver, where this machine has both."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class Browser:
    """What tests and screenshots do with a page."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, link: str, *expected: str) -> str:
        """Open a page of the same site or another, wait until it says all that is expected; its text."""
        self.driver.get("about:blank")  # MLflow's pages differ after the '#' alone
        self.driver.get(link)
        return self.wait_for(*expected)

    def wait_for(self, *expected: str) -> str:
        """The text of the page, once it says all that is expected. Raises AssertionError if it never does."""
        end = time.monotonic() + PATIENCE
        missing = list(expected)
        text = ""
        while time.monotonic() < end:
            text = self.driver.find_element(By.TAG_NAME, "body").text
            missing = [one for one in expected if one not in text]
            if not missing:
                return text
            time.sleep(0.2)
        raise AssertionError(f"the page never said {missing}; it says:\n{text[:3000]}")

    def unfold(self) -> None:
        """Show the stages below the first execution in MLflow's table of runs."""
        self.click(".ag-row button[data-component-id*='runnamecellrenderer']")

    def click(self, selector: str) -> None:
        """Click the first element, as soon as there is one."""
        found = WebDriverWait(self.driver, PATIENCE).until(
            lambda driver: driver.find_elements(By.CSS_SELECTOR, selector)
        )
        self.driver.execute_script("arguments[0].click()", found[0])

    @contextmanager
    def frame(self) -> Iterator[None]:
        """Inside of the page's first frame."""
        frames = WebDriverWait(self.driver, PATIENCE).until(
            lambda driver: driver.find_elements(By.TAG_NAME, "iframe")
        )
        self.driver.switch_to.frame(frames[0])
        yield
        self.driver.switch_to.default_content()

    def hosts(self) -> set[str]:
        """The machines that pages asked for something since the last call."""
        events = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        asked = [
            urlsplit(event["params"]["request"]["url"])
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return {
            url.hostname for url in asked if url.scheme in ("http", "https", "ws", "wss") and url.hostname
        }


@contextmanager
def open_browser(width: int = 1900, height: int = 1000) -> Iterator[Browser]:
    """A fresh one, without the user's profile."""
    found = chromium()
    assert found is not None
    options = webdriver.ChromeOptions()
    options.binary_location = found[0]
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "lang=en-US"):
        options.add_argument(f"--{argument}")
    options.add_argument(f"--window-size={width},{height}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(found[1]))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


@contextmanager
def serving(project: Project, log: Path) -> Iterator[str]:
    """`clintune ui` on a free port; gives the link that it prints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("w") as stream:
        server = subprocess.Popen(
            ["clintune", "ui", "--port", str(port)], cwd=project.root, env=project.variables,
            stdout=stream, stderr=stream, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}/health", server, log)
        [link] = [
            word for word in log.read_text().split() if word.startswith("http") and "experiments" in word
        ]
        yield link
    finally:
        subprocess.run(["kill", "--", f"-{server.pid}"], check=False)
        server.wait(30)


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(10 * PATIENCE):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"no server after {PATIENCE} s:\n{log.read_text()}")
