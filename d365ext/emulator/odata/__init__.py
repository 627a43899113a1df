"""The query language: one lexer, one parser, and what it means as SQL."""
