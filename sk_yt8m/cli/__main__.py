"""``python -m sk_yt8m.cli``."""

from sk_yt8m.cli import main

main(prog_name="sk-yt8m")
