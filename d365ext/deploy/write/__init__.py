"""Carries out changes, one module for each concern. Every change is safe to carry out again."""
