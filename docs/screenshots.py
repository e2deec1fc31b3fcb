"""The pictures of the README, from what is in the project's own store after `make repro`.

    python docs/screenshots.py

Starts `clintune ui`, looks at it with Chromium, and writes docs/images/*.png.
"""

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
ASSISTANT = "button[aria-label='Close']"


def main() -> None:
    """The runs, the run of evaluate, the report."""
    sys.path.insert(0, str(ROOT))
    from tests.browser import open_browser, serving
    from tests.project import Project
    from tests.tracking.stores import client_of, stage_runs

    project = Project(ROOT)
    runs = {run.info.run_name: run.info.run_id for run in stage_runs(client_of(project))}
    f1 = json.loads((ROOT / "data/evaluation/metrics.json").read_text(encoding="utf-8"))["strict"]["f1"]
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(project, Path(folder, "log")) as link,
        open_browser(1500, 760) as browser,
    ):
        browser.open(link, "repro @")
        browser.click(ASSISTANT)
        browser.click("button[aria-label='Hide banner']")
        browser.unfold()
        browser.wait_for("ingest", "export")
        browser.driver.save_screenshot(str(IMAGES / "mlflow-runs.png"))
        experiment = link.partition("/runs?")[0]
        page = f"{experiment}/runs/{runs['evaluate']}?workflowType=machine_learning"
        browser.open(page, f"Strict F1 {f1:.3f}")
        browser.driver.save_screenshot(str(IMAGES / "mlflow-evaluate.png"))
    with open_browser(1100, 1300) as browser:
        browser.open((ROOT / "data/evaluation/report.html").as_uri(), f"{f1:.3f}")
        browser.driver.save_screenshot(str(IMAGES / "report.png"))


if __name__ == "__main__":
    main()
