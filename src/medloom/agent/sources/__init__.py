"""Where a plant's own rows come from: a watched folder of spreadsheets, or a database."""
