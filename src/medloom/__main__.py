"""`python -m medloom` is the `medloom` command."""

from medloom.interfaces.cli import main

if __name__ == "__main__":
    main(prog_name="medloom")
