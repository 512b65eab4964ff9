from .render import render_report as render_report
from .render import write_report as write_report
