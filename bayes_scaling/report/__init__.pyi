from .comparison import render_comparison as render_comparison
from .comparison import write_comparison as write_comparison
from .render import render_report as render_report
from .render import write_report as write_report
