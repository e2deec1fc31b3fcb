"""What a user can mend: one line with the place, the problem and the next step."""


class UserError(Exception):
    """A fault that the user can mend. Shown as one line, without traceback, with exit code 2.

    `place` is where to look: `file:line`, or `params.yaml: key`. It never quotes the text of a record, and
    what else comes from the corpus (the name of a file, a label) stands in `place` alone.
    """

    def __init__(self, place: str, problem: str, next_step: str) -> None:
        super().__init__(place, problem, next_step)
        self.place = place
        self.problem = problem
        self.next_step = next_step

    def __str__(self) -> str:
        return " ".join(f"{self.place}: {self.problem}; {self.next_step}".split())

    @property
    def recorded(self) -> str:
        """The line for the tracking store, which more people read than the user's screen."""
        return str(self)


class ParamsError(UserError):
    """params.yaml does not say what a stage needs to know."""


class CorpusError(UserError):
    """A fault of the records: files and ids may be named after people, so the store does not learn where."""

    @property
    def recorded(self) -> str:
        """Without the place, unless that is a key of params.yaml: the user wrote it, and it is recorded."""
        if self.place.startswith("params.yaml: "):
            return str(self)
        return str(UserError("in the corpus (place not recorded)", self.problem, self.next_step))


class SourceError(CorpusError):
    """A file of the corpus is missing, changed, or not in its declared format."""


class ModelError(UserError):
    """The base model is missing, not the one that params.yaml names, or not loadable."""


class DataError(CorpusError):
    """The records, taken together, cannot be used: too many broken, a split without any."""


class TrainingError(UserError):
    """Training went to numbers that are not finite, or cannot start."""


class BundleError(UserError):
    """A bundle is incomplete, or does not predict what the evaluation saw."""


class DocumentError(UserError):
    """A document to predict on is missing or cannot be read."""


class TrackingError(UserError):
    """The tracking store cannot be reached or used."""


class LedgerError(UserError):
    """The ledger of sealed records is damaged, or cannot be written."""
