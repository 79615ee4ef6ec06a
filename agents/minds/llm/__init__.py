"""A mind that asks language models: any LangChain chat model, one per role."""
