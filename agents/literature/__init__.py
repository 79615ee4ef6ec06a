"""Literature: the bundled bibliography, searched offline; arXiv and OpenAlex where a person asks for them."""
