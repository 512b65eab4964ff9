from .backtest import render_backtest as render_backtest
from .backtest import write_backtest as write_backtest
from .comparison import render_comparison as render_comparison
from .comparison import write_comparison as write_comparison
from .plan import render_plan as render_plan
from .plan import write_plan as write_plan
from .render import render_report as render_report
from .render import write_report as write_report
