"""`./dev bench object`: what the object half reaches, beside what the machine can do."""
