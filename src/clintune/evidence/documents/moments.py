"""Times as documents write them: only those that a record sealed."""

from collections.abc import Mapping
from datetime import UTC, datetime

from clintune.evidence.subject import Record
from clintune.tracking.journal import Milliseconds


def written(moment: Milliseconds) -> str:
    """ISO 8601 with the offset of UTC."""
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds")


def newest(records: Mapping[str, Record]) -> str:
    """When the stage that began last began."""
    return written(max(record["started"] for record in records.values()))
