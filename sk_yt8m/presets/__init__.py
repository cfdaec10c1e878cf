"""Classifiers by the name of their recipe, and what they have of their own."""
