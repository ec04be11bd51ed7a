"""`python -m stylegan` is the same as the command `stylegan`; torchrun starts it this way."""

from stylegan.cli import main

if __name__ == "__main__":
    main()
