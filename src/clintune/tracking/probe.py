"""Whether a tracking store is there, asked without MLflow: its client takes seconds to import."""

import ssl
import urllib.error
import urllib.request
from http.client import HTTPException

from clintune.tracking.home import without_password

_QUESTION = "/api/2.0/mlflow/experiments/get?experiment_id=0"
"""Not /health, which is well also where the server's database is not."""


def silence(uri: str, *, within: float) -> str | None:
    """Why the server or the database at this address does not answer; None where it does.

    It may keep silent for `within` seconds.
    """
    is_server = uri.startswith(("http://", "https://"))
    return _of_server(uri, within) if is_server else _of_database(uri, within)


def _of_server(server: str, within: float) -> str | None:
    """One that asks who we are, or knows no such experiment, is there."""
    address = f"{without_password(server).rstrip('/')}{_QUESTION}"
    try:
        with urllib.request.urlopen(address, timeout=within, context=_any_certificate()) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}" if error.code >= 500 else None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return None


def _of_database(uri: str, within: float) -> str | None:
    """One that MLflow writes to without a server: it would ask it for minutes."""
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    limits = {"connect_timeout": max(2, round(within))} if uri.startswith("postgresql") else {}
    try:
        with create_engine(uri, poolclass=NullPool, connect_args=limits).connect():
            return None
    except ImportError as error:
        return f"its driver {error.name} is not installed; for PostgreSQL: pip install -e '.[postgresql]'"
    except (ArgumentError, ValueError):
        return "its address is none of sqlite:///FILE, postgresql://… and http://…"
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).splitlines()
        return without_password(said[0]) if said else type(error).__name__


def _any_certificate() -> ssl.SSLContext:
    """Nothing secret is sent here; whether a certificate is good is for MLflow's client to say."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
