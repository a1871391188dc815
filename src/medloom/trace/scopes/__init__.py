"""Recall scopes: what is asked (expression), what is found (portions, queries), what was frozen (frozen)."""
