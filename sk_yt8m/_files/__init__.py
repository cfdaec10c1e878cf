"""How anything is written and read safely."""
