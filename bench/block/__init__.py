"""`./dev bench block`: what the block half reaches, beside the NBD servers that people use."""
