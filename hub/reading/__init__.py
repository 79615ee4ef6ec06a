"""What programs read of the workspace: packages, cards, evidence by lines, claims, lessons, a claim run again."""
