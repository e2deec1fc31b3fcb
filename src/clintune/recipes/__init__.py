"""Shipped params.yaml files: complete, each with its corpus, that corpus's terms and its sums."""

import difflib
from collections.abc import Mapping
from pathlib import Path

from clintune.errors import UserError

RECIPES: Mapping[str, str] = {
    "synthetic": "English clinical notes, made up: the default, which needs no corpus",
    "synthetic-hybrid": "the same notes, read by the base model and by a small encoder pretrained on them",
    "ncbi-disease": "diseases in English abstracts (NCBI disease corpus)",
    "bc5cdr": "chemicals and diseases in English abstracts (BioCreative V CDR)",
    "cmedqaner": "eleven kinds of medical entities in Chinese answers to patients (cMedQANER)",
    "cmedic": "what a medical query wants, three classes, in Chinese (cMedIC)",
    "medical-abstracts": "five kinds of conditions in English abstracts (Medical Abstracts, its test file)",
    "bbbp": "molecules that pass the blood-brain barrier (MoleculeNet; needs RDKit)",
    "esol": "solubility of molecules in water, a number (MoleculeNet; needs RDKit)",
    "lipophilicity": "logD of molecules, a number (MoleculeNet; needs RDKit)",
    "dnabert-promoter": "core promoters in DNA, as 6-mers (sample data of DNABERT)",
    "meddocan": "identifiers to remove from Spanish clinical cases (MEDDOCAN)",
}


def recipe_file(name: str) -> Path:
    """The recipe, a params.yaml. Raises UserError for a name that is none."""
    if name not in RECIPES:
        near = [one for one in RECIPES if name in one] or difflib.get_close_matches(name, RECIPES)
        hint = f"did you mean {near[0]}?" if near else "clintune recipes lists them"
        raise UserError("recipe", f"no recipe is called {name!r}", hint)
    return Path(__file__).with_name(f"{name}.yaml")
