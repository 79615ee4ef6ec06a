"""Packages: one directory per branch, in the ARA layout, with a manifest that names every file's hash."""
