"""What the outside touches: pages, REST, streams and the command line. Translates, never decides."""
