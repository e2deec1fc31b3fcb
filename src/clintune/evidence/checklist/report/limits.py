"""The threat model, as it is printed: what these records show, and what they cannot."""

DETECTS = (
    "A later change of any file that a stage read or wrote, whatever its time says, and of DVC's cache.",
    "A later change of what the tracking store holds of a run: metric, param, tag, artifact, deletion.",
    "An entry of dvc.lock that no recorded run made.",
    "A line of the ledger that was changed, taken out or put in; a ledger cut short, by the runs that name "
    "its lines.",
    "With a signature over the pack: a change of anything by whoever has not the signer's key.",
)
CANNOT = (
    "A lie while a stage ran: what was written down then is what is sealed. Only running it again shows "
    "that: replay does, best of all on the reviewer's own machine.",
    "One person with the key and the store who seals everything anew. A second signer, a timestamp by "
    "others, or a copy of the ledger's last line elsewhere shows that.",
    "Whether what people declared is true. It is shown as theirs, with name and date as they wrote them.",
    "Times: commits and runs carry the clock of the machine that made them.",
    "Texts inside compressed files, and what the weights remember of a record.",
    "Whether the model is good enough, or the records are the right ones.",
)
