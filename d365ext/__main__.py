"""`python -m d365ext` is `d365ext`."""

from d365ext.cli.app import main

if __name__ == "__main__":
    main()
