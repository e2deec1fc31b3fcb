"""clintune send: bring the records that wait in the spool to the tracking store."""

from clintune.tracking.home import home
from clintune.tracking.sending import send_spooled


def send() -> tuple[int, str]:
    """Exit code and what to say: 1 while runs still wait."""
    place = home()
    waiting = send_spooled(place)
    if not waiting:
        return 0, "Every run is in the tracking store."
    log = f"{place.root.name}/{place.sender_log.name}"
    return 1, f"{waiting} runs wait in the spool, unrecorded: {log} says why; mend it, then clintune send"
