"""Scopes that were frozen: their lines, the digest that the ledger holds, and what came since."""
