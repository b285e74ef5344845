"""Kinds of meeting: the owner of this module writes it."""
