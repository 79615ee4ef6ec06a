"""The kernel library: small, documented, tested mechanisms behind one typed registry."""
