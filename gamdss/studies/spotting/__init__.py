"""How well expressions are spotted in synthetic long recordings."""
