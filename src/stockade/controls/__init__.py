"""The defences: thin, independent controls over pure libraries. A new one is one module here, with its own section of
the policy file, and one line in `config/catalogue.py`. Controls never import each other, do no I/O and read no clock.
"""
