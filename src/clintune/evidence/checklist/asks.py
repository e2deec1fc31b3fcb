"""The questions, in our words, and where each comes from. Nothing here is the text of a regulation."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Topic: TypeAlias = Literal[
    "Identity and change", "Data", "Privacy", "Training and evaluation", "Records and sign-off"
]


@dataclass(frozen=True, slots=True)
class Ask:
    """One item. `key` names it in declarations.yaml, where a person has to say something; else it is empty.

    With a key the records alone never make it PASS: they may contradict it, a person declares it.
    """

    number: int
    topic: Topic
    title: str
    sources: tuple[str, ...]
    key: str = ""


ASKS: tuple[Ask, ...] = (
    Ask(1, "Identity and change", "What the model is for, for whom, and for what not",
        ("GMLP 1, 6, 9", "AI Act Annex IV 1(a)", "TRIPOD+AI", "model card"), "intended_use"),
    Ask(2, "Identity and change", "Which code exactly", ("AI Act Annex IV 1", "REFORMS 2b", "IEC 62304 8")),
    Ask(3, "Identity and change", "Which data exactly", ("REFORMS 2a", "AI Act Art. 10")),
    Ask(4, "Identity and change", "Which base model, from where, under which licence",
        ("AI Act Annex IV 2(a)", "IEC 62304"), "base_model_licence"),
    Ask(5, "Identity and change", "Every parameter, none implied", ("NeurIPS checklist", "CLAIM")),
    Ask(6, "Identity and change", "Third-party software, and its known weaknesses",
        ("IEC 62304 7.1, 8.1", "FDA cybersecurity"), "vulnerabilities"),
    Ask(7, "Identity and change", "Packages locked by hash", ("reproducible-builds", "SLSA")),
    Ask(8, "Identity and change", "Processor and how numbers are computed",
        ("REFORMS 2c", "AI Act Annex IV 1(e), 2(c)")),
    Ask(9, "Identity and change", "What changed, who changed it, and whether that was planned",
        ("FDA PCCP", "21 CFR 11.10(k)", "AI Act Annex IV 6"), "change_control"),
    Ask(10, "Identity and change", "From requirement to test to evidence",
        ("IEC 62304 5.7", "ISO 13485 7.3", "GAMP 5"), "requirements_trace"),
    Ask(11, "Identity and change", "Risks, and what is done about each", ("ISO 14971", "AI Act Art. 9"),
        "risk_file"),
    Ask(12, "Data", "Where the records come from, and by which right",
        ("AI Act Art. 10(2)(b)", "datasheets for datasets", "MINIMAR 1", "TRIPOD+AI"), "data_origin"),
    Ask(13, "Data", "Each step of preparation, with counts that add up", ("AI Act Art. 10(2)(c)", "CLAIM")),
    Ask(14, "Data", "What became of every record, to the last prediction",
        ("TRIPOD+AI", "MI-CLAIM 1", "CLAIM")),
    Ask(15, "Data", "No person and no text in two splits",
        ("GMLP 4", "EU GMP Annex 22 (draft)", "MI-CLAIM 2")),
    Ask(16, "Data", "Who reads the test split, and how often", ("EU GMP Annex 22 (draft)", "FDA draft 2025")),
    Ask(17, "Data", "Who annotated, with which skill and agreement",
        ("CLAIM", "TRIPOD+AI", "AI Act Annex IV 2(d)"), "annotation"),
    Ask(18, "Data", "Whom the records stand for, and whom not",
        ("AI Act Art. 10(2)(g, h)", "GMLP 3", "MINIMAR 2"), "target_population"),
    Ask(19, "Data", "What is missing in the records", ("TRIPOD+AI",)),
    Ask(20, "Data", "Targets that are legal", ("AI Act Art. 10(3)", "ALCOA+")),
    Ask(21, "Privacy", "Identifiers taken out", ("45 CFR 164.514(b)(2)",), "deidentification"),
    Ask(22, "Privacy", "High ages taken out", ("45 CFR 164.514(b)(2)",), "deidentification"),
    Ask(23, "Privacy", "No text and no id of a record in what leaves the house",
        ("CLAIM", "AI Act Art. 10(5)")),
    Ask(24, "Privacy", "How much the model remembers of single records", ("EDPB practice",), "memorization"),
    Ask(25, "Privacy", "Differential privacy, where it is claimed", ("common practice",)),
    Ask(26, "Training and evaluation", "Run again from nothing, the same comes out",
        ("EU GMP Annex 22 (draft)", "ACM badges")),
    Ask(27, "Training and evaluation", "Nothing of the test split in what trains or chooses",
        ("REFORMS", "NeurIPS checklist")),
    Ask(28, "Training and evaluation", "Bounds stated before the test split was read, and met",
        ("EU GMP Annex 22 (draft)", "GAMP 5", "AI Act Annex IV 3")),
    Ask(29, "Training and evaluation", "Scores with intervals", ("TRIPOD+AI", "FDA draft 2025", "CLAIM")),
    Ask(30, "Training and evaluation", "How much scores move from run to run", ("NeurIPS checklist",)),
    Ask(31, "Training and evaluation", "Compared with something simple", ("CLAIM", "MI-CLAIM")),
    Ask(32, "Training and evaluation", "Scores by subgroup",
        ("AI Act Annex IV 2(g), 3", "FDA draft 2025", "TRIPOD+AI")),
    Ask(33, "Training and evaluation", "Whether the model's confidence can be believed", ("TRIPOD+AI",)),
    Ask(34, "Training and evaluation", "When the model should abstain", ("EU GMP Annex 22 (draft)",),
        "abstention"),
    Ask(35, "Training and evaluation", "Why it says what it says",
        ("MI-CLAIM 5", "EU GMP Annex 22 (draft)"), "explanations"),
    Ask(36, "Training and evaluation", "What disturbed input does to it", ("AI Act Art. 15", "MI-CLAIM"),
        "robustness"),
    Ask(37, "Training and evaluation", "Where it fails, and what it must not be used for",
        ("model card", "AI Act Art. 13"), "limitations"),
    Ask(38, "Records and sign-off", "Old values kept: what was changed, and when",
        ("21 CFR 11.10(e)", "EU GMP Annex 11", "AI Act Art. 12")),
    Ask(39, "Records and sign-off", "Everything is as it was sealed", ("21 CFR 11.10(c)", "ALCOA+")),
    Ask(40, "Records and sign-off", "For people and for programs, with the same numbers",
        ("21 CFR 11.10(b)",)),
    Ask(41, "Records and sign-off", "Signed by name, with a date and a meaning, by two",
        ("21 CFR 11.50, 11.70", "AI Act Annex IV 2(g)")),
    Ask(42, "Records and sign-off", "Formats that can be read in ten years", ("AI Act Art. 18",)),
    Ask(43, "Records and sign-off", "The tool itself is validated",
        ("ISO 13485 4.1.6", "FDA CSA 2025", "GAMP 5"), "tool_validation"),
)  # fmt: skip
"""In the order of the checklist in which they were collected."""

KEYS = tuple(dict.fromkeys(ask.key for ask in ASKS if ask.key))
"""What declarations.yaml may say."""
