"""The MCP server: what an agent may read and do here, as tools; and one package's experiments as tools."""
