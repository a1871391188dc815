"""One module for each family of subcommands; each offers plain click commands."""
