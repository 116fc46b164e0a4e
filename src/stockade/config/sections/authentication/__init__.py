"""`authentication:` the accepted credentials. One file per scheme: its model, and how it becomes the scheme."""

from stockade.config.sections.authentication.section import AuthenticationSection, make

__all__ = ["AuthenticationSection", "make"]
