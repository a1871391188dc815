"""GS1 EPCIS 2.0 events: the standard's words, the check of a document, what is indexed, and making them."""
