"""Documents as offices have them (Word, PDF, web page, text) made into the draft of a sheet."""

from knowledge_base.importers.document import Imported, Unreadable, read_document

__all__ = ["Imported", "Unreadable", "read_document"]
