"""Reproducers: what the endpoints of a case were asked to do, as a page and as a program of its own.

story      the moves of a case in order, what one endpoint said to the other put back as "what it says now"
page       a story as one HTML file that needs nothing but a browser
program    a story as a Python file for this harness; `replay` plays it
"""

from harness.repro.page import render_page
from harness.repro.program import render_program, replay
from harness.repro.story import Story, of_script, tell

__all__ = ["Story", "of_script", "render_page", "render_program", "replay", "tell"]
