"""Literature: the bundled bibliography, searched offline."""
