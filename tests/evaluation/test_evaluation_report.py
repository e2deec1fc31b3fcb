"""The page that an auditor opens first."""

import re
from html.parser import HTMLParser

import pytest

from clintune.evaluation.outputs import metrics
from clintune.evaluation.report import render, write_report
from tests.evaluation.documents import SECTION, evaluation, example, prediction, spans

HIDDEN = SECTION.model_copy(update={"shareable": False})
VOID = {"meta", "line", "circle", "path", "polyline", "rect", "br", "link", "img"}
CANARY = "Zebedee Quillfeather"


class Page(HTMLParser):
    """Tags with attributes and text; fails on tags that do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)

    @property
    def words(self):
        return " ".join("".join(self.text).split())


def page(pairs, *, section=SECTION, **more):
    return render(evaluation(pairs, section=section, **more), inputs={"predictions": "0" * 64})


def some(count=30, *, text=f"<script>alert(1)</script> & \x00 {CANARY} went home", label="<img src=x>"):
    gold = spans((0, 8, label), (3, 8, "B"), (26, 40, "C", ((30, 35),)))
    return [
        (
            example(f"d{i}", gold, text=text, **{"<i>site": f"<u>{i % 2}"}),
            prediction(f"d{i}", gold[: i % 3], [0.3, 0.7][: i % 3]),
        )
        for i in range(count)
    ]


def test_the_page_is_well_formed_and_in_a_declared_language():
    found = Page(page(some()))
    assert ("html", {"lang": "en"}) in found.tags
    assert [tag for tag, _ in found.tags].count("h1") == 1


def test_nothing_in_it_runs_and_nothing_is_fetched():
    text = page(some())
    tags = Page(text).tags
    assert not {tag for tag, _ in tags} & {"script", "img", "link", "iframe", "object", "i", "u", "base"}
    for _, attributes in tags:
        assert not any(name.startswith("on") or name in ("src", "style", "srcset") for name in attributes)
        assert attributes.get("href", "#").startswith("#")
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_texts_labels_and_attributes_are_escaped():
    text = page(some())
    assert "<script>" not in text
    assert "&lt;script&gt;" in text or "&lt;" in text
    assert "&lt;img src=x&gt;" in text
    assert "&lt;i&gt;site" in text


def test_control_characters_are_shown_as_pictures():
    text = page(some())
    assert "\x00" not in text
    assert "␀" in text


def test_texts_are_shown_only_where_the_data_is_declared_shareable():
    shown, hidden = page(some()), page(some(), section=HIDDEN)
    assert CANARY.split(maxsplit=1)[0] in shown
    for word in (*CANARY.split(), "alert", "home"):
        assert word not in hidden
    assert "Texts and ids are not shown" in hidden
    assert "26–40" in hidden


def test_a_nested_mention_is_shown_inside_the_other():
    gold = spans((0, 19, "Disease"), (6, 11, "Organ"))
    found = Page(page([(example("d", gold, text="acute renal failure"), prediction("d", gold[:1]))]))
    assert "[acute ▸[renal]Organ ✗ (not marked by the model) failure]Disease ✓" in found.words


def test_every_number_shown_is_the_one_in_the_metrics():
    pairs = some(60)
    found, words = metrics(evaluation(pairs)), Page(page(pairs)).words
    for name in ("strict", "boundary", "relaxed", "characters", "seen", "unseen"):
        score = found[name]
        if score["predicted"] + score["gold"]:
            assert f"{score['f1']:.3f} {score['f1_low']:.3f} to {score['f1_high']:.3f}" in words
    for score in found["label"].values():
        assert f"{score['f1']:.3f}" in words
    assert f"Expected calibration error {found['confidence']['ece']:.3f}" in words


def test_a_ratio_without_a_divisor_is_a_dash():
    words = Page(page([(example("d", spans((0, 3, "A"))), prediction("d"))])).words
    assert "fewer than 20 annotated0.000too few groups–0.000100" in words.replace(" ", "").replace(
        "fewerthan20annotated", "fewer than 20 annotated"
    ).replace("toofewgroups", "too few groups")


def test_small_subgroups_have_no_score():
    words = Page(page([(example("d", spans((0, 3, "A")), sex="F"), prediction("d"))])).words
    assert "F1 document, 1 group too few" in words or "F 1 document, 1 group too few" in words


def test_every_table_has_a_caption_and_headers_with_a_scope():
    tags = Page(page(some())).tags
    names = [tag for tag, _ in tags]
    assert names.count("table") == names.count("caption") > 5
    assert all("scope" in attributes for tag, attributes in tags if tag == "th")


def test_every_reference_has_its_target():
    tags = Page(page(some())).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in tags:
        wanted = [*attributes.get("aria-labelledby", "").split(), attributes.get("href", "#")[1:]]
        assert {name for name in wanted if name} <= set(ids)


def test_it_stays_below_two_megabytes_whatever_the_corpus(tmp_path):
    awkward = '"' * 500
    gold = spans(*((start, start + 9, f"{awkward}{start % 97}") for start in range(0, 380, 6)))
    pairs = [
        (
            example(f"{awkward}{i}", gold, text='"' * 500, **{f"{awkward}{i % 40}": f"{awkward}{i}"}),
            prediction(f"{awkward}{i}"),
        )
        for i in range(40)
    ]
    section = SECTION.model_copy(update={"shown": 10_000, "resamples": 2})
    write_report(tmp_path / "report.html", evaluation(pairs, section=section), inputs={})
    assert 100_000 < (tmp_path / "report.html").stat().st_size < 2_000_000


def test_an_evaluation_without_any_mention_has_a_page():
    assert "No mention is annotated" in page([(example("d"), prediction("d"))])


def colours():
    from clintune.evaluation import report

    css = (report.Path(report.__file__).parent / "report.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    light, dark, print_ = (dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in blocks)
    return {"light": light, "dark": dark, "print": print_}


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark", "print"])
def test_text_has_the_contrast_that_wcag_aa_asks_for(mode):
    palette = colours()[mode]
    pairs = [
        ("ink", "page"), ("ink", "card"), ("ink", "caution"), ("ink", "agreed"), ("ink", "alone"),
        ("quiet", "page"), ("quiet", "card"), ("accent", "page"), ("agreed-line", "card"),
        ("alone-line", "card"),
    ]  # fmt: skip
    for front, back in pairs:
        assert contrast(palette[front], palette[back]) >= 4.5, (front, back)
    for front in ("accent", "reach", "alone-line", "agreed-line", "quiet"):
        assert contrast(palette[front], palette["card"]) >= 3, front
