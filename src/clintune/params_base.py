"""What every section of params.yaml is made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Fraction = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
"""Below 1: what is left of the whole is divided by, or nothing would be."""
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Name = Annotated[str, Field(min_length=1)]
# YAML knows lists only; everything else stays strict, so that '2e-5' in quotes is not taken for a number.
Names = Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]


class Section(BaseModel):
    """A part of params.yaml: unknown keys are errors, values are never converted, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
