"""Molecules from SMILES, by RDKit: an extra, and the only door to it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clintune.errors import UserError

RADIUS, BITS = 2, 2048
"""Of Morgan fingerprints: ECFP4 (Rogers and Hahn 2010)."""


def scaffold(smiles: str) -> str | None:
    """The Bemis-Murcko scaffold as canonical SMILES, without chirality; empty for a molecule without rings.

    None where RDKit reads no molecule from `smiles`. Bemis and Murcko 1996. Raises UserError without RDKit.
    """
    chem = _rdkit()
    from rdkit.Chem.Scaffolds import MurckoScaffold

    molecule = chem.MolFromSmiles(smiles)
    if molecule is None:
        return None
    found: str = MurckoScaffold.MurckoScaffoldSmiles(mol=molecule, includeChirality=False)
    return found


def fingerprints(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Morgan fingerprints [text, bit] of SMILES; zeros where RDKit reads no molecule.

    Raises UserError without RDKit.
    """
    chem = _rdkit()
    from rdkit.Chem import rdFingerprintGenerator

    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    rows = [_bits(generator, chem.MolFromSmiles(text)) for text in texts]
    return np.stack(rows)


def _bits(generator: Any, molecule: Any) -> NDArray[np.uint8]:
    if molecule is None:
        return np.zeros(BITS, dtype=np.uint8)
    bits: NDArray[np.uint8] = generator.GetFingerprintAsNumPy(molecule)
    return bits


def _rdkit() -> Any:
    try:
        from rdkit import Chem, RDLogger
    except ImportError:
        raise UserError(
            "params.yaml", "scaffolds and fingerprints need RDKit, which is not installed",
            "pip install -e '.[molecules]'",
        ) from None  # fmt: skip
    # It writes what it could not read to standard error: text of records.
    RDLogger.DisableLog("rdApp.*")
    return Chem
