"""The knowledge base: sheets, Chinese text, encoder, index, search, evaluation. A library: no web, no bot."""
