"""`./dev bench peers`: both halves beside whatever else of their kind is installed."""
