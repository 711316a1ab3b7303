"""The command line from a checkout: `python cli.py`. What is installed as ``hopbar`` is `crossbar.commands.hopbar`."""

from crossbar.commands.hopbar import main

if __name__ == "__main__":
    main()
