"""Answers to reads of rows: filters, pages, shapes, expansions, aggregates, annotations."""
