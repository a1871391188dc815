"""The EPCIS 2.0.1 door: capture and query, by a program with a token."""
