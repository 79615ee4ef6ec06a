"""What both forms of a paper share: its content, made from a package's manifest, and the templates."""
