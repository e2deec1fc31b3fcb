"""clintune send: bring the records that wait in the spool to the tracking store."""

from clintune.tracking.home import home, without_password
from clintune.tracking.journal import journals
from clintune.tracking.sending import send_spooled, waiting


def send() -> int:
    """Say what is tried, try for longer than a stage does, say what came of it; 1 while runs still wait."""
    place = home()
    count = len(journals(place.spool))
    if count:
        print(
            f"Sending {count} {'run' if count == 1 else 'runs'} to {without_password(place.uri)}", flush=True
        )
    if not send_spooled(place):
        print("Every run is in the tracking store.")
        return 0
    log = f"{place.root.name}/{place.sender_log.name}"
    print(f"{waiting(place)}, unrecorded: {log} says why; mend it, then clintune send")
    return 1
