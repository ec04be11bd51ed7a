"""`python -m stylegan` is the command `stylegan`: what torchrun starts."""

from stylegan.cli import main

if __name__ == "__main__":
    main()
