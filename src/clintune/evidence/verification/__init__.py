"""What the ledger sealed, against what is there now."""
